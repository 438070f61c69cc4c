#include "dsl/http/date.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace dsl::http::test {
namespace {

env::WallTime at(std::int64_t seconds) { return env::WallTime(std::chrono::seconds(seconds)); }

TEST(HttpDate, WhatIsNoneIsNothing) {
  for (const char* text : {"", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 6 Nov 1994 1:2:3 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
                           "Sun Nov 06 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(HttpDate, ReadsTheThreeFormsOfRfc9110) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), at(784111777)) << text;
  }
}

TEST(HttpDate, PrintsTheFirst) {
  EXPECT_EQ(format_http_date(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

RC_GTEST_PROP(HttpDate, IsReadAsPrinted, ()) {
  const auto time = at(*rc::gen::inRange<std::int64_t>(0, 253402300799));
  RC_ASSERT(parse_http_date(format_http_date(time)) == time);
}

}  // namespace
}  // namespace dsl::http::test
