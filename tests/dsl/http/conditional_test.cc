#include "dsl/http/conditional.h"

#include "dsl/http/date.h"
#include "dsl/http/fake_exchange.h"
#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

constexpr std::string_view kBody = "0123456789";
const std::string kTag = strong_etag(kBody);
const env::WallTime kModified(std::chrono::milliseconds(784111777500));
const std::string kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string kEarlier = "Sun, 06 Nov 1994 08:49:36 GMT";

FakeExchange asked(Headers headers, std::string method = "GET") {
  FakeExchange exchange(std::move(method), std::move(headers));
  reply_conditional(exchange, {kTag, kModified}, {{"content-type", "text/plain"}}, kBody);
  return exchange;
}

TEST(StrongEtag, EqualBytesHaveEqualTags) {
  EXPECT_EQ(strong_etag("a"), strong_etag("a"));
  EXPECT_NE(strong_etag("a"), strong_etag("b"));
  EXPECT_EQ(strong_etag("").size(), 34u);
}

TEST(Conditional, PlainRequestGetsTheWholeAndItsValidators) {
  const FakeExchange exchange = asked({});

  EXPECT_EQ(exchange.replied->status, 200);
  EXPECT_EQ(exchange.replied->body, kBody);
  EXPECT_EQ(exchange.answer("etag"), kTag);
  EXPECT_EQ(exchange.answer("last-modified"), kDate);
}

struct Case {
  std::string name, header, value, method;
  int status;
};

class Conditions : public ::testing::TestWithParam<Case> {};

TEST_P(Conditions, DecideTheStatus) {
  EXPECT_EQ(asked({{GetParam().header, GetParam().value}}, GetParam().method).replied->status,
            GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9110, Conditions,
    ::testing::Values(Case{"NoneMatchSame", "if-none-match", kTag, "GET", 304},
                      Case{"NoneMatchWeak", "if-none-match", "W/" + kTag, "GET", 304},
                      Case{"NoneMatchAmongOthers", "if-none-match", "\"a,b\", " + kTag, "HEAD",
                           304},
                      Case{"NoneMatchAny", "if-none-match", "*", "GET", 304},
                      Case{"NoneMatchAnyOnPut", "if-none-match", "*", "PUT", 412},
                      Case{"NoneMatchOther", "if-none-match", "\"other\"", "GET", 200},
                      Case{"NoneMatchMalformed", "if-none-match", "\"other", "GET", 200},
                      Case{"MatchSame", "if-match", kTag, "PUT", 200},
                      Case{"MatchWeak", "if-match", "W/" + kTag, "PUT", 412},
                      Case{"MatchOther", "if-match", "\"other\"", "PUT", 412},
                      Case{"MatchAny", "if-match", "*", "PUT", 200},
                      Case{"ModifiedSinceSame", "if-modified-since", kDate, "GET", 304},
                      Case{"ModifiedSinceEarlier", "if-modified-since", kEarlier, "GET", 200},
                      Case{"ModifiedSinceMalformed", "if-modified-since", "yesterday", "GET", 200},
                      Case{"ModifiedSinceOnPut", "if-modified-since", kDate, "PUT", 200},
                      Case{"UnmodifiedSinceSame", "if-unmodified-since", kDate, "PUT", 200},
                      Case{"UnmodifiedSinceEarlier", "if-unmodified-since", kEarlier, "PUT", 412}),
    [](const auto& each) { return each.param.name; });

TEST(Conditional, TagsCountMoreThanDates) {
  EXPECT_EQ(asked({{"if-none-match", "\"other\""}, {"if-modified-since", kDate}}).replied->status,
            200);
}

struct RangeCase {
  std::string name, value;
  int status;
  std::string body, content_range;
};

class Ranges : public ::testing::TestWithParam<RangeCase> {};

TEST_P(Ranges, ChooseTheBytes) {
  const FakeExchange exchange = asked({{"range", GetParam().value}});

  EXPECT_EQ(exchange.replied->status, GetParam().status);
  EXPECT_EQ(exchange.replied->body, GetParam().body);
  EXPECT_EQ(exchange.answer("content-range"), GetParam().content_range);
}

const std::string kWhole(kBody);

INSTANTIATE_TEST_SUITE_P(
    Rfc9110, Ranges,
    ::testing::Values(RangeCase{"First", "bytes=0-3", 206, "0123", "bytes 0-3/10"},
                      RangeCase{"Middle", "bytes=4-4", 206, "4", "bytes 4-4/10"},
                      RangeCase{"Open", "bytes=7-", 206, "789", "bytes 7-9/10"},
                      RangeCase{"Suffix", "bytes=-2", 206, "89", "bytes 8-9/10"},
                      RangeCase{"SuffixBeyond", "bytes=-99", 206, kWhole, "bytes 0-9/10"},
                      RangeCase{"EndBeyond", "bytes=8-99", 206, "89", "bytes 8-9/10"},
                      RangeCase{"Beyond", "bytes=10-", 416, "", "bytes */10"},
                      RangeCase{"EmptySuffix", "bytes=-0", 416, "", "bytes */10"},
                      RangeCase{"TurnedAround", "bytes=3-1", 200, kWhole, ""},
                      RangeCase{"Several", "bytes=0-1,3-4", 200, kWhole, ""},
                      RangeCase{"OtherUnit", "lines=0-1", 200, kWhole, ""},
                      RangeCase{"Nothing", "bytes=-", 200, kWhole, ""},
                      RangeCase{"Words", "bytes=a-b", 200, kWhole, ""},
                      RangeCase{"Overflow", "bytes=99999999999999999999-", 200, kWhole, ""}),
    [](const auto& each) { return each.param.name; });

TEST(Ranges, OfAnotherVersionAreTheWhole) {
  const std::string range = "bytes=0-3";
  EXPECT_EQ(asked({{"range", range}, {"if-range", kTag}}).replied->status, 206);
  EXPECT_EQ(asked({{"range", range}, {"if-range", kDate}}).replied->status, 206);
  EXPECT_EQ(asked({{"range", range}, {"if-range", "\"other\""}}).replied->status, 200);
  EXPECT_EQ(asked({{"range", range}, {"if-range", "W/" + kTag}}).replied->status, 200);
  EXPECT_EQ(asked({{"range", range}, {"if-range", kEarlier}}).replied->status, 200);
}

}  // namespace
}  // namespace dsl::http::test
