// Uploads into a real directory, without a helper: what comes in which order, and what is refused.
#include "mcp/agent/uploads.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "dsl/hash/sha256.h"
#include "mcp/agent/test_node.h"
#include "mcp/agent/upload_content.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using dsl::Code;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

class UploadsTest : public testing::Test {
 protected:
  UploadsTest() {
    node_.runtime.add_image("mcr.test:8443/web:v1");
    node_.must_deploy("web",
                      "name = \"web\"\nversion = \"v1\"\n[[components]]\n"
                      "[components.health]\ntype = \"none\"\nstart_period = \"0s\"\n");
    std::filesystem::create_directories(data_.file("web/conf"));
    node_.config.data_root = data_.path();
  }

  pb::BeginPutFileRequest announced(const std::string& content,
                                    const std::string& path = "conf/x") {
    pb::BeginPutFileRequest request;
    request.set_service("web");
    request.set_path(path);
    request.set_name("x");
    request.set_size_bytes(static_cast<std::int64_t>(content.size()));
    request.set_sha256(dsl::sha256_hex(content));
    request.set_mode(0604);
    return request;
  }
  Uploads& uploads() { return node_.core().uploads; }
  Result<pb::PutFileState> send(const pb::PutFileState& begun, std::int64_t offset,
                                const std::string& bytes, const std::string& subject = "me") {
    pb::PutFileChunkRequest request;
    request.set_upload(begun.upload());
    request.set_offset(offset);
    request.set_data(bytes);
    return uploads().chunk(subject, request);
  }
  std::vector<std::string> left() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(data_.file("web/conf"))) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  Code code_of_begin(const pb::BeginPutFileRequest& request) {
    const auto begun = uploads().begin("me", request);
    EXPECT_FALSE(begun);
    return begun ? Code::kInternal : begun.error().code();
  }

  dsl::test::TempDir data_;
  TestNode node_;
};

TEST_F(UploadsTest, RefusesWhatNoFileCanBe) {
  std::filesystem::create_symlink("x", data_.file("web/conf/link"));
  auto request = announced("x", "../x");
  EXPECT_EQ(code_of_begin(request), Code::kInvalidArgument);
  EXPECT_EQ(code_of_begin(announced("x", "nowhere/x")), Code::kNotFound);
  EXPECT_EQ(code_of_begin(announced("x", "conf/link/")), Code::kNotFound);
  EXPECT_EQ(code_of_begin(announced("x", "conf/link")), Code::kInvalidArgument);
  request = announced("x");
  request.set_name("a/b");
  EXPECT_EQ(code_of_begin(request), Code::kInvalidArgument);
  request = announced("x");
  request.set_service("other");
  EXPECT_EQ(code_of_begin(request), Code::kNotFound);
  EXPECT_THAT(left(), ElementsAre("link"));
}

TEST_F(UploadsTest, TakesPiecesOutOfOrder) {
  const auto begun = require_ok(uploads().begin("me", announced("0123456789")));

  EXPECT_EQ(require_ok(send(begun, 6, "6789")).offset(), 0);
  EXPECT_EQ(require_ok(send(begun, 3, "345")).offset(), 0);
  EXPECT_EQ(require_ok(send(begun, 0, "012")).offset(), 10);
  EXPECT_EQ(require_ok(send(begun, 0, "012")).offset(), 10) << "once more does no harm";
  const pb::FileState state = require_ok(uploads().finish("me", begun.upload()));

  EXPECT_EQ(state.path(), "conf/x");
  EXPECT_EQ(state.mode(), 0604U);
  EXPECT_EQ(data_.read("web/conf/x"), "0123456789");
  EXPECT_THAT(left(), ElementsAre("x"));
}

TEST_F(UploadsTest, IsNotFinishedBeforeAllIsThere) {
  const auto begun = require_ok(uploads().begin("me", announced("0123456789")));
  require_ok(send(begun, 0, "0123"));

  const auto early = uploads().finish("me", begun.upload());

  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code(), Code::kFailedPrecondition);
  require_ok(send(begun, 4, "456789"));
  require_ok(uploads().finish("me", begun.upload()));
}

TEST_F(UploadsTest, OtherBytesThanAnnouncedReplaceNothing) {
  data_.write("web/conf/x", "old");
  const auto begun = require_ok(uploads().begin("me", announced("0123")));
  require_ok(send(begun, 0, "0124"));

  const auto done = uploads().finish("me", begun.upload());

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kConflict);
  EXPECT_EQ(data_.read("web/conf/x"), "old");
  EXPECT_THAT(left(), ElementsAre("x"));
}

TEST_F(UploadsTest, MoreBytesThanAnnouncedAreRefused) {
  const auto begun = require_ok(uploads().begin("me", announced("0123")));

  const auto sent = send(begun, 2, "234");

  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code(), Code::kInvalidArgument);
}

TEST_F(UploadsTest, GoesOnWhereAnEarlierOneBrokeOff) {
  const auto first = require_ok(uploads().begin("me", announced("0123456789")));
  require_ok(send(first, 0, "01234"));

  const auto second = require_ok(uploads().begin("me", announced("0123456789")));

  EXPECT_EQ(second.offset(), 5);
  EXPECT_FALSE(send(first, 5, "5")) << "the first one has ended";
  require_ok(send(second, 5, "56789"));
  require_ok(uploads().finish("me", second.upload()));
  EXPECT_EQ(data_.read("web/conf/x"), "0123456789");
}

TEST_F(UploadsTest, BelongsToWhoBeganIt) {
  const auto begun = require_ok(uploads().begin("me", announced("0123")));

  EXPECT_EQ(send(begun, 0, "0123", "you").error().code(), Code::kNotFound);
  EXPECT_EQ(uploads().finish("you", begun.upload()).error().code(), Code::kNotFound);
}

TEST_F(UploadsTest, ADryRunMakesNothing) {
  auto request = announced("0123", "conf");
  request.mutable_change()->set_dry_run(true);

  const auto would = require_ok(uploads().begin("me", request));

  EXPECT_EQ(would.path(), "conf/x");
  EXPECT_TRUE(would.upload().empty());
  EXPECT_TRUE(left().empty());
}

TEST_F(UploadsTest, ThereIsABoundOnThoseUnderWay) {
  for (std::size_t i = 0; i < Uploads::kUploadsMax; ++i) {
    require_ok(uploads().begin("me", announced("0123", dsl::text("conf/x{}", i))));
  }
  EXPECT_EQ(code_of_begin(announced("0123", "conf/more")), Code::kRateLimited);

  node_.env().manual_clock().advance(std::chrono::minutes(11));
  require_ok(uploads().begin("me", announced("0123", "conf/more")));
}

TEST_F(UploadsTest, NamesAreShownAsTheyCanBe) {
  EXPECT_EQ(shown_name("app \xc3\xa4.toml"), "app \xc3\xa4.toml");
  EXPECT_EQ(shown_name("a\nb\x1b[1m"), "a\\x0ab\\x1b[1m");
  EXPECT_EQ(shown_name("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(shown_name("\xc2\x9b"), "\\xc2\\x9b") << "a control character in two bytes";
}

TEST(UploadContent, AKeyIsForItsOwnerAlone) {
  const auto mode_of = [](const std::string& name, std::initializer_list<const char*> pieces,
                          std::uint32_t wanted) {
    UploadContent content(name);
    for (const char* piece : pieces) {
      content.add(piece);
    }
    return content.mode(wanted);
  };
  EXPECT_EQ(mode_of("x", {}, 0), 0640U);
  EXPECT_EQ(mode_of("x", {"-----BEGIN PRIVATE KEY-----"}, 0644), 0644U);
  EXPECT_EQ(mode_of("x.key", {}, 0644), 0600U);
  EXPECT_EQ(mode_of("x.key", {}, 0400), 0400U);
  EXPECT_EQ(mode_of("x.key", {}, 0040), 0600U);
  EXPECT_EQ(mode_of("x.pem", {"-----BEGIN CERTIFICATE-----"}, 0644), 0644U);
  EXPECT_EQ(mode_of("x.pem", {"-----BEGIN RSA PRIVATE KEY-----"}, 0644), 0600U);
  EXPECT_EQ(mode_of("x.pem", {"--BEGIN PRI", "V", "ATE KE", "Y-----\n"}, 0644), 0600U);
}

}  // namespace
}  // namespace mcp::agent::test
