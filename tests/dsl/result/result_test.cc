#include "dsl/result/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace dsl {
namespace {

Result<int> parse_port(int number) {
  if (number > 65535) {
    return fail(Code::kInvalidArgument, "port {} is out of range", number)
        .hint("ports end at 65535");
  }
  return number;
}

Result<int> next_port(int number) {
  MC_ASSIGN(const int port, parse_port(number));
  return port + 1;
}

Result<void> check_port(int number) {
  MC_TRY(parse_port(number));
  return {};
}

TEST(Result, AssignAndTryReturnTheFirstError) {
  EXPECT_EQ(next_port(70000).error().message(), "port 70000 is out of range");
  EXPECT_EQ(check_port(70000).error().hint(), "ports end at 65535");
  EXPECT_EQ(*next_port(52), 53);
  EXPECT_TRUE(check_port(53));
}

TEST(Result, CarriesMoveOnlyValues) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto use = [&]() -> Result<int> {
    MC_ASSIGN(const std::unique_ptr<int> value, make());
    return *value;
  };

  EXPECT_EQ(*use(), 7);
}

TEST(Error, ASingleDetailThatIsTheMessageIsRenderedOnce) {
  const Error error = fail(Code::kInvalidArgument, "mcq.toml:3:1: unknown key")
                          .detail("mcq.toml:3:1", "unknown key");

  EXPECT_EQ(error.render(), "error: mcq.toml:3:1: unknown key");
}

TEST(Error, RendersIdDetailsAndHint) {
  Error error = fail(Code::kNotFound, "service {} is not known", "mcq")
                    .id("MCP-0102")
                    .detail("mcq.toml:3:1", "unknown key")
                    .hint("mcp list shows the services");
  error.add_context("deploy");

  EXPECT_EQ(error.render(),
            "error[MCP-0102]: deploy: service mcq is not known\n"
            "  mcq.toml:3:1: unknown key\n"
            "hint: mcp list shows the services");
}

TEST(Codes, EveryCodeHasARowAndSurvivesItsName) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_EQ(code_from_name(code_info(code).name), code);
  }
  EXPECT_EQ(code_info(Code::kNoSpace).exit_code, 25);
  EXPECT_EQ(code_info(Code::kWrongKey).exit_code, 24);
  EXPECT_EQ(code_from_grpc(14), Code::kUnavailable);
}

TEST(Text, FillsBracesInOrder) {
  EXPECT_EQ(text("{} of {} ({})", 1, std::string("two"), true), "1 of two (true)");
  EXPECT_EQ(text("no braces"), "no braces");
}

TEST(TextDeathTest, CountMismatchIsOurOwnMistake) {
  EXPECT_DEATH((void)text("{}"), "more \\{\\} than arguments");
}

}  // namespace
}  // namespace dsl
