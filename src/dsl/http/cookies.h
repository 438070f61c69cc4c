// Cookies: RFC 6265, read strictly and written safely.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::http {

using Cookies = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kCookiesMax = 64;  // of one request

// The value of a Cookie header (section 4.2.1). kInvalidArgument when any part is not what a
// server may have set: bad names or values, more than kCookiesMax. Quotes around a value stay.
Result<Cookies> parse_cookies(std::string_view header);
// The value of `name`; nothing when there is none, or more than one: a second one was put there by
// somebody else (a sibling domain, a plain connection) and none of them can be trusted.
std::optional<std::string_view> find_cookie(const Cookies& cookies, std::string_view name);

struct SetCookie {
  std::string name;
  std::string value;
  std::string path = "/";
  std::optional<std::chrono::seconds> max_age;  // absent = until the browser ends; zero = delete
  bool secure = true;
  bool http_only = true;
  enum class SameSite { kStrict, kLax, kNone } same_site = SameSite::kStrict;
};
// The value of a Set-Cookie header. kInvalidArgument for bytes that it may not have, and when the
// prefixes __Host- or __Secure- promise what the attributes do not hold.
Result<std::string> format_set_cookie(const SetCookie& cookie);

}  // namespace dsl::http
