#include "dsl/http/cookies.h"

#include "support/result_matchers.h"

namespace dsl::http::test {
namespace {

using dsl::test::failed_with;
using dsl::test::require_ok;

TEST(ParseCookies, RefusesWhatNoServerHasSet) {
  std::string many = "a=b";
  for (std::size_t i = 0; i < kCookiesMax; ++i) {
    many += "; a=b";
  }
  for (const std::string& header :
       {std::string("a"), std::string("=b"), std::string("a b=c"), std::string("a=b c"),
        std::string("a=b,c"), std::string("a=\"b"), std::string("a=b;"), std::string("a=b;;c=d"),
        std::string("a=\x01"), std::string("a=\xc3\xa9"), std::string("a=b\\"), many}) {
    EXPECT_THAT(parse_cookies(header), failed_with(Code::kInvalidArgument)) << header;
  }
}

TEST(ParseCookies, ReadsNamesAndValues) {
  const Cookies cookies = require_ok(parse_cookies("__Host-session=a=b; theme=\"dark\"; empty="));

  EXPECT_EQ(find_cookie(cookies, "__Host-session"), "a=b");
  EXPECT_EQ(find_cookie(cookies, "theme"), "\"dark\"");
  EXPECT_EQ(find_cookie(cookies, "empty"), "");
  EXPECT_EQ(find_cookie(cookies, "none"), std::nullopt);
  EXPECT_TRUE(require_ok(parse_cookies("")).empty());
}

TEST(FindCookie, TwoOfOneNameAreNone) {
  EXPECT_EQ(find_cookie(require_ok(parse_cookies("a=b; a=c")), "a"), std::nullopt);
}

TEST(SetCookie, RefusesWhatWouldBeReadOtherwise) {
  const auto set = [](std::string name, std::string value, std::string path = "/") {
    SetCookie cookie;
    cookie.name = std::move(name);
    cookie.value = std::move(value);
    cookie.path = std::move(path);
    return cookie;
  };
  SetCookie plain_host = set("__Host-a", "b");
  plain_host.secure = false;
  SetCookie cross_site = set("a", "b");
  cross_site.same_site = SetCookie::SameSite::kNone;
  cross_site.secure = false;
  for (const SetCookie& cookie :
       {set("", "b"), set("a b", "c"), set("a", "b;c"), set("a", "b\r\nx: y"), set("a", "b", "x"),
        set("a", "b", "/;x"), set("__Host-a", "b", "/sub"), plain_host, cross_site}) {
    EXPECT_THAT(format_set_cookie(cookie), failed_with(Code::kInvalidArgument)) << cookie.name;
  }
}

TEST(SetCookie, IsStrictUnlessToldOtherwise) {
  SetCookie cookie;
  cookie.name = "__Host-session";
  cookie.value = "abc";
  EXPECT_EQ(require_ok(format_set_cookie(cookie)),
            "__Host-session=abc; Path=/; SameSite=Strict; Secure; HttpOnly");

  cookie.max_age = std::chrono::seconds(0);
  cookie.http_only = false;
  cookie.same_site = SetCookie::SameSite::kLax;
  EXPECT_EQ(require_ok(format_set_cookie(cookie)),
            "__Host-session=abc; Path=/; SameSite=Lax; Max-Age=0; Secure");
}

}  // namespace
}  // namespace dsl::http::test
