#include "mcp/files/request.h"

#include <gtest/gtest.h>

namespace {

using namespace mcp::files;

const std::string kPartial = std::string(kPartialPrefix) + std::string(kPartialDigits, 'a');

Request commit() {
  return {.op = Op::kCommit,
          .path = "conf",
          .partial = kPartial,
          .target = "app.toml",
          .mode = 0640,
          .before_s = -5,
          .follow = false};
}

TEST(FilesRequest, IsRefusedWhenItIsNotWhole) {
  const std::string bytes = encode(commit());

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_request(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_request(bytes + "x"));
}

TEST(FilesRequest, IsRefusedWhenNobodyOfOursWouldSendIt) {
  const auto refused = [](auto change) {
    Request request = commit();
    change(request);
    return !decode_request(encode(request));
  };
  EXPECT_TRUE(refused([](Request& r) { r.path = "../x"; }));
  EXPECT_TRUE(refused([](Request& r) { r.path = "/etc"; }));
  EXPECT_TRUE(refused([](Request& r) { r.path = "a//b"; }));
  EXPECT_TRUE(refused([](Request& r) { r.target = "a/b"; }));
  EXPECT_TRUE(refused([](Request& r) { r.target = ".."; }));
  EXPECT_TRUE(refused([](Request& r) { r.target = ""; }));
  EXPECT_TRUE(refused([](Request& r) { r.partial = "app.toml"; }));
  EXPECT_TRUE(refused([](Request& r) { r.mode = 04755; }));
  EXPECT_TRUE(refused([](Request& r) { r.op = Op::kOpen; }));
  EXPECT_TRUE(refused([](Request& r) { r.op = static_cast<Op>(0); }));
  EXPECT_TRUE(refused([](Request& r) { r.op = static_cast<Op>(9); }));
}

TEST(FilesRequest, IsReadAsItWasWritten) {
  EXPECT_EQ(decode_request(encode(commit())), commit());

  const Request list{.op = Op::kList, .path = ""};
  EXPECT_EQ(decode_request(encode(list)), list);
}

TEST(FilesAnswer, IsReadAsItWasWritten) {
  const Answer answer{.error = 13,
                      .stage = Stage::kOwner,
                      .info = {.kind = Kind::kFile,
                               .mode = 0640,
                               .uid = 1000,
                               .gid = 1001,
                               .size_bytes = 1ull << 40,
                               .modified_ns = 5},
                      .cut = true};
  const std::string bytes = encode(answer);

  EXPECT_EQ(decode_answer(bytes), answer);
  EXPECT_FALSE(decode_answer(bytes.substr(1)));
  EXPECT_FALSE(decode_answer(""));
}

TEST(FilesEntries, AreReadAsTheyWereWritten) {
  const std::vector<Entry> entries = {
      {.name = "a", .link = {}, .info = {.kind = Kind::kFile, .size_bytes = 7}},
      {.name = "l", .link = "../a", .info = {.kind = Kind::kLink}}};
  std::string bytes;
  for (const Entry& entry : entries) {
    append(bytes, entry);
  }

  EXPECT_EQ(decode_entries(bytes), entries);
  EXPECT_EQ(decode_entries(""), std::vector<Entry>());
  EXPECT_FALSE(decode_entries(bytes.substr(0, bytes.size() - 1)));
  std::string bad;
  append(bad, {.name = "a/b", .link = {}, .info = {}});
  EXPECT_FALSE(decode_entries(bad));
}

TEST(PartialName, IsOurOwn) {
  EXPECT_TRUE(is_partial_name(kPartial));
  EXPECT_FALSE(is_partial_name(kPartial + "a"));
  EXPECT_FALSE(is_partial_name(std::string(kPartialPrefix) + std::string(kPartialDigits, '/')));
  EXPECT_FALSE(is_partial_name("app.toml"));
}

}  // namespace
