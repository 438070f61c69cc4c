// Saving and listing images: an archive is there whole or not at all, whatever fails.
#include "mcp/agent/images.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/image_tar.h"
#include "mcp/agent/test_node.h"
#include "mcp/model/codes.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kReference = "mcr.test:8443/web:v1";
constexpr const char* kPath = "/srv/mcp/images/mcr.test_8443_web_v1.tar";
constexpr const char* kWeb = R"(
name = "web"
version = "v1"
tier = "foundation"
depends_on = []
[[components]]
name = "web"
[components.health]
type = "none"
start_period = "0s"
)";

class SavedImages : public testing::Test {
 protected:
  SavedImages() {
    node.runtime.add_image(kReference);
    id = require_ok(node.runtime.image(kReference))->id;
    whole = image_tar({{id, {kReference}}});
    node.runtime.set_saved_bytes(kReference, whole);
  }

  std::vector<std::string> files() {
    return require_ok(node.env().memory_files().list("/srv/mcp/images"));
  }
  std::string content() { return require_ok(node.env().memory_files().read_file(kPath)); }
  Images& images() { return node.core().images; }

  TestNode node;
  std::string id;
  std::string whole;
};

TEST_F(SavedImages, AnArchiveIsWrittenOnce) {
  const Images::Saved first = require_ok(images().save(kReference));
  const Images::Saved second = require_ok(images().save(kReference));

  EXPECT_TRUE(first.written);
  EXPECT_EQ(first.path, kPath);
  EXPECT_EQ(first.size_bytes, whole.size());
  EXPECT_FALSE(second.written);
  EXPECT_THAT(node.runtime.calls(), ElementsAre(std::string("save ") + kReference));
  EXPECT_EQ(content(), whole);
}

TEST_F(SavedImages, AnotherImageOfTheNameReplacesIt) {
  node.write(kPath, image_tar({{"0ther", {kReference}}}));

  EXPECT_TRUE(require_ok(images().save(kReference)).written);

  EXPECT_EQ(content(), whole);
  EXPECT_THAT(files(), ElementsAre("mcr.test_8443_web_v1.tar"));
}

// The image is right, the name that a load would give it is not.
TEST_F(SavedImages, AnArchiveThatNamesItOtherwiseIsReplaced) {
  node.write(kPath, image_tar({{id, {"mcr.test:8443/other:v1"}}}));

  EXPECT_TRUE(require_ok(images().save(kReference)).written);
}

TEST_F(SavedImages, AStreamThatEndsEarlyLeavesTheFormerArchive) {
  const std::string former = image_tar({{"0ther", {kReference}}});
  node.write(kPath, former);
  node.runtime.set_saved_bytes(kReference, whole.substr(0, whole.size() / 2));

  EXPECT_THAT(images().save(kReference), failed_with(Code::kDataLoss));

  EXPECT_EQ(content(), former);
  EXPECT_THAT(files(), ElementsAre("mcr.test_8443_web_v1.tar"));
}

TEST_F(SavedImages, TooLittleSpaceIsSaidBeforeAnythingIsWritten) {
  node.env().memory_files().set_capacity(200u << 20);

  const auto saved = images().save(kReference);

  ASSERT_THAT(saved, failed_saying(Code::kNoSpace, "MiB are free"));
  EXPECT_EQ(saved.error().id(), model::code::kDiskFull);
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(node.runtime.calls(), IsEmpty());
}

// Whichever change of a file fails with a full disk, nothing is left beside the former archive.
TEST_F(SavedImages, ADiskThatFillsUpLeavesNothing) {
  const std::string former = image_tar({{"0ther", {kReference}}});
  int failures = 0;
  for (std::uint64_t change = 0; change < 100; ++change) {
    node.write(kPath, former);
    node.env().memory_files().fail_after(change, ENOSPC);

    const auto saved = images().save(kReference);

    if (node.env().memory_files().faults_left() > 0) {
      EXPECT_THAT(saved, ok()) << "all changes were tried";
      break;
    }
    ++failures;
    ASSERT_THAT(saved, failed_with(Code::kNoSpace)) << change;
    EXPECT_EQ(saved.error().id(), model::code::kDiskFull);
    EXPECT_THAT(files(), ElementsAre("mcr.test_8443_web_v1.tar")) << change;
    EXPECT_THAT(content(), testing::AnyOf(former, whole)) << change;
  }
  EXPECT_GT(failures, 8);
}

// A power cut at any change leaves the former archive or the new one, and a part that is swept.
TEST_F(SavedImages, APowerCutLeavesOneOfTheTwo) {
  const std::string former = image_tar({{"0ther", {kReference}}});
  dsl::test::MemoryFileSystem& disk = node.env().memory_files();
  int cuts = 0;
  for (std::uint64_t change = 0; change < 100; ++change) {
    node.write(kPath, former);
    require_ok(disk.sync_directory("/srv/mcp/images"));
    disk.crash_after(change);

    const bool saved = images().save(kReference).has_value();

    disk.restart({.data = dsl::test::Crash::Data::kTorn, .names_kept = change % 2 == 0});
    if (saved) {
      EXPECT_EQ(content(), whole);
      break;
    }
    ++cuts;
    EXPECT_THAT(content(), testing::AnyOf(former, whole)) << change;
    images().sweep();
    EXPECT_THAT(files(), ElementsAre("mcr.test_8443_web_v1.tar")) << change;
  }
  EXPECT_GT(cuts, 8);
}

TEST_F(SavedImages, CancellingLeavesNothing) {
  int asked = 0;

  const auto saved = images().save(kReference, {.cancelled = [&] { return ++asked > 3; }});

  EXPECT_THAT(saved, failed_with(Code::kCancelled));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SavedImages, WhatIsMissingIsNamed) {
  const auto saved = images().save("mcr.test:8443/none:v1");

  ASSERT_THAT(saved, failed_with(Code::kFailedPrecondition));
  EXPECT_EQ(saved.error().id(), model::code::kImageMissing);
  node.config.image_dirs.clear();
  EXPECT_THAT(images().save(kReference), failed_saying(Code::kFailedPrecondition, "no folder"));
}

TEST_F(SavedImages, TheListKnowsUsedUnusedAndMisnamedOnes) {
  node.must_deploy("web", kWeb);
  node.write("/srv/mcp/images/given.tar", image_tar({{id, {kReference}}}));
  node.write("/srv/mcp/images/old.tar.zst", image_tar({{"01d", {"mcr.test:8443/old:v1"}}}));
  node.write("/srv/mcp/images/broken.tar", "broken");
  node.write("/srv/mcp/images/notes.txt", "");

  const pb::ListImagesReply reply = require_ok(images().list());

  std::vector<std::string> rows;
  for (const pb::ImageState& row : reply.images()) {
    rows.push_back(dsl::text("{} {} {} {}", row.reference(), row.archive_state(),
                             row.used_by_size(), row.stage()));
  }
  EXPECT_THAT(rows,
              ElementsAre("mcr.test:8443/web:v1  1 foundation", " unreadable 0 ",
                          "mcr.test:8443/web:v1 misnamed 0 ", "mcr.test:8443/old:v1 only 0 "));
}

// The event of the saver about the image; it works on a thread of its own.
EventRecord image_event(TestNode& node) {
  for (int attempt = 0; attempt < 500; ++attempt) {
    for (const EventRecord& event : require_ok(node.core().events.list(0, "", 100))) {
      if (event.kind == "image") {
        return event;
      }
    }
    dsl::env::system_env().clock().sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "there is no event of an image";
  return {};
}

TEST_F(SavedImages, ADeployOfAnEarlyTierIsFollowedByItsArchive) {
  node.config.auto_save_tiers = {"foundation"};

  node.must_deploy("web", kWeb);

  const EventRecord event = image_event(node);
  EXPECT_EQ(event.severity, "info");
  EXPECT_EQ(event.service, "web");
  EXPECT_EQ(content(), whole);
}

TEST_F(SavedImages, AFailureToArchiveIsAWarningAndNoFailedDeploy) {
  node.config.auto_save_tiers = {"foundation"};
  node.runtime.fail_next("save", dsl::Error(Code::kNoSpace, "no space left on device"));

  EXPECT_THAT(node.deploy("web", kWeb), ok());

  const EventRecord event = image_event(node);
  EXPECT_EQ(event.severity, "warn");
  EXPECT_THAT(event.message, testing::HasSubstr("mcp image save"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SavedImages, WhatAnAgentDidNotComeToIsDoneAtTheNextStart) {
  node.must_deploy("web", kWeb);
  node.config.auto_save_tiers = {"foundation"};

  node.core().image_saver.catch_up();

  EXPECT_EQ(image_event(node).severity, "info");
  EXPECT_EQ(content(), whole);
}

}  // namespace
}  // namespace mcp::agent::test
