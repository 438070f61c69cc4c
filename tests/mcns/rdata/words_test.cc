#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/rdata/token.h"
#include "rdata_fixture.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::require_ok;
using test::read;

std::vector<std::string> values(std::string_view text) {
  std::vector<std::string> out;
  for (const Word& word : require_ok(split_words(text))) {
    out.push_back(word.value);
  }
  return out;
}

TEST(Words, BadEscapesAndOpenQuotesAreRefusedWithTheirColumn) {
  EXPECT_THAT(split_words("ab \"cd"), failed_saying(Code::kInvalidArgument, "column 4"));
  EXPECT_THAT(split_words("ab c\\"), failed_saying(Code::kInvalidArgument, "column 5"));
  for (const char* text :
       {"\\1", "\\12", "\\1x2", "\\256", "\\999", "\"\\", "\"a\\\"", "\"a\nb\"", "a=\"b"}) {
    EXPECT_THAT(split_words(text), dsl::test::failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(Words, AreSplitAtBlanks) {
  EXPECT_THAT(values("  one\ttwo \r\n three "), testing::ElementsAre("one", "two", "three"));
  EXPECT_THAT(values(""), testing::IsEmpty());
  EXPECT_THAT(values(" \t"), testing::IsEmpty());
}

TEST(Words, QuotesHoldBlanksAndMayBeEmpty) {
  EXPECT_THAT(values("\"one two\" \"\" \"a\"b"), testing::ElementsAre("one two", "", "a", "b"));
}

TEST(Words, EscapesAreResolvedInTheValueAndKeptInRaw) {
  const auto words = require_ok(split_words("a\\.b\\046\\\"\\255 \"q\\\"\\\\\""));

  ASSERT_EQ(words.size(), 2U);
  EXPECT_EQ(words[0].raw, "a\\.b\\046\\\"\\255");
  EXPECT_EQ(words[0].value, "a.b.\"\xff");
  EXPECT_FALSE(words[0].quoted);
  EXPECT_EQ(words[1].raw, "q\\\"\\\\");
  EXPECT_EQ(words[1].value, "q\"\\");
  EXPECT_TRUE(words[1].quoted);
  EXPECT_EQ(words[1].column, 16);
}

TEST(Words, QuoteBehindAnEqualsSignHoldsBlanks) {
  const auto words = require_ok(split_words("alpn=\"h2, h3\" x\"y z\""));

  ASSERT_EQ(words.size(), 3U);
  EXPECT_EQ(words[0].raw, "alpn=\"h2, h3\"");
  EXPECT_EQ(words[0].value, "alpn=h2, h3");
  EXPECT_EQ(words[1].value, "x\"y");
  EXPECT_EQ(words[2].value, "z\"");
}

TEST(Words, ParenthesesAndCommentsAreOrdinary) {
  EXPECT_THAT(values("v=DKIM1; p=(x)"), testing::ElementsAre("v=DKIM1;", "p=(x)"));
}

TEST(Tokens, EndAtWhatMeansSomethingInZoneFiles) {
  for (const char* text : {"one;two", "one(two", "one)two", "one two", "one\ntwo"}) {
    EXPECT_EQ(scan_token(text, 0, TokenEnd::kZonefile).token.raw, "one") << text;
  }
  EXPECT_EQ(scan_token("one\\;two", 0, TokenEnd::kZonefile).token.raw, "one\\;two");
  EXPECT_EQ(scan_token("\"one;two\"", 0, TokenEnd::kZonefile).token.raw, "one;two");
}

TEST(Tokens, WithoutEscapesAreNotCopied) {
  const std::string_view text = "plain";
  const TokenScan scan = scan_token(text, 0, TokenEnd::kBlank);
  Bytes scratch;

  EXPECT_EQ(value_of(scan.token, scratch).data(), text.data());
}

TEST(LongText, IsSplitIntoStringsOf255) {
  const std::string long_text = std::string(255, 'a') + std::string(255, 'b') + "c";

  const Bytes rdata = require_ok(read(Type::kTxt, "\"" + long_text + "\" d"));

  EXPECT_EQ(rdata, "\xff" + std::string(255, 'a') + "\xff" + std::string(255, 'b') +
                       "\x01"
                       "c\x01"
                       "d");
}

}  // namespace
}  // namespace mcns
