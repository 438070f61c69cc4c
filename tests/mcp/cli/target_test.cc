#include "mcp/cli/target.h"

#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace mcp::cli {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::require_ok;

class BadTarget : public testing::TestWithParam<const char*> {};

TEST_P(BadTarget, IsRefused) {
  EXPECT_THAT(parse_target(GetParam()), failed_with(Code::kInvalidArgument));
}

INSTANTIATE_TEST_SUITE_P(
    Words, BadTarget,
    testing::Values("", "/", "mcr/", "/api", "mcr/api/x", "MCR", "-mcr", "mcr-", "m cr", "../etc",
                    "mcr/api\n",
                    "a234567890123456789012345678901234567890123456789012345678"
                    "901234"));

TEST(Target, AServiceAloneMeansAllItsComponents) {
  EXPECT_EQ(require_ok(parse_target("mc-proxy")), (Target{"mc-proxy", ""}));
}

TEST(Target, AComponentFollowsTheSlash) {
  const Target target = require_ok(parse_target("mcr/api"));

  EXPECT_EQ(target, (Target{"mcr", "api"}));
  EXPECT_EQ(target.text(), "mcr/api");
}

TEST(Target, OneBadTargetRefusesAll) {
  EXPECT_THAT(parse_targets({"mcr", "M"}), failed_with(Code::kInvalidArgument));
}

}  // namespace
}  // namespace mcp::cli
