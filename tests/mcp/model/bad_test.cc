// Wrong definitions: each bad/*.toml must give exactly the errors of the .errors file beside it.
// To add one, write the .toml, run the test with MC_WRITE_EXPECTED=1, and review what it wrote.
#include <gtest/gtest.h>

#include "support.h"

namespace {

using namespace mcp::model;

// "MCP-0102", then a line for each finding.
std::string printed(const Result<Service>& result) {
  if (result) {
    return "no error\n";
  }
  std::string text = result.error().id() + "\n";
  for (const dsl::Detail& detail : result.error().details()) {
    text += detail.where + ": " + detail.message + "\n";
  }
  return result.error().details().empty() ? text + result.error().message() + "\n" : text;
}

TEST(BadDefinition, IsRefusedWithItsPlaceAndReason) {
  const auto files = test::fixtures("bad");
  ASSERT_GT(files.size(), 20U);
  for (const auto& file : files) {
    const auto result = test::parse_and_resolve(test::read_file(file), file.filename().string());

    const std::string text = printed(result);
    EXPECT_EQ(text,
              test::expected_file(std::filesystem::path(file).replace_extension(".errors"), text))
        << file.filename();
  }
}

TEST(BadDefinition, IsNotReadAtAllBeyondOneMebibyte) {
  const std::string huge = "name = \"x\"\n#" + std::string(std::size_t{1} << 20, 'x');

  const auto result = parse_definition(huge, "x.toml");

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), dsl::Code::kTooLarge);
}

TEST(BadDefinition, CannotMoveAPortAboveTheRangeByTheOffset) {
  Platform platform;
  platform.port_offset = 60000;

  const auto result = test::parse_and_resolve(
      "name = \"x\"\nversion = \"v1\"\n[[components]]\nports = [\"8443:8443\"]\n", "x.toml",
      platform);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id(), code::kBadPort);
}

TEST(BadDefinition, ThatDoesNotFitIntoLabelsIsRefused) {
  std::string noise;
  for (unsigned i = 0, x = 1; i < 200000; ++i) {
    x = x * 1664525 + 1013904223;
    noise += static_cast<char>('0' + (x >> 24) % 64);
  }
  std::string safe;
  for (const char c : noise) {
    if (c != '\\' && c != '"') {
      safe += c;
    }
  }

  const auto result = test::parse_and_resolve(
      "name = \"x\"\nversion = \"v1\"\n[[components]]\ncmd = [\"" + safe + "\"]\n", "x.toml");

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id(), code::kLabelsTooLarge);
  EXPECT_EQ(result.error().code(), dsl::Code::kTooLarge);
}

}  // namespace
