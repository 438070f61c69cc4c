#include "dsl/transcode/json_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace dsl::transcode {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

TEST(JsonTree, RefusesWhatIsNoJson) {
  // Among them what libprotobuf's own parser lets pass.
  for (const char* bad :
       {"", " ", "{", "{'a':1}", "{a:1}", "{\"a\":1,}", "[1,]", "nul", "NaN", "01", "+1", "1.",
        "\"\n\"", "\"\\x41\"", "\"\xff\"", "\"\\ud800\"", "{} {}", "{}x", "// c\n{}"}) {
    EXPECT_THAT(parse_json(bad), failed_with(Code::kInvalidArgument)) << bad;
  }
}

TEST(JsonTree, RefusesANameThatIsThereTwice) {
  EXPECT_THAT(parse_json(R"({"a":1,"b":{"x":1,"x":2}})"),
              failed_saying(Code::kInvalidArgument, "x is there twice"));
  EXPECT_THAT(parse_json(R"({"a":1,"\u0061":2})"), failed_saying(Code::kInvalidArgument, "a is"));
  EXPECT_THAT(parse_json(R"([{"a":1},{"a":2}])"), ok());
}

TEST(JsonTree, RefusesToNestWithoutEnd) {
  EXPECT_THAT(parse_json(std::string(64, '[') + std::string(64, ']')), ok());
  EXPECT_THAT(parse_json(std::string(100000, '[')),
              failed_saying(Code::kInvalidArgument, "64 levels"));
}

TEST(JsonTree, KeepsNumbersAsTheyWereWrittenAndMembersInOrder) {
  for (const char* same :
       {R"({"b":18446744073709551615,"a":[1.50e+3,-0,true,false,null,"x\n"],"c":{}})", "[]", "7",
        "123456789012345678901234567890"}) {
    std::string out;
    append_json(require_ok(parse_json(same)), out);
    EXPECT_EQ(out, same);
  }
  EXPECT_THAT(parse_json(" {} \n"), ok());
}

}  // namespace
}  // namespace dsl::transcode
