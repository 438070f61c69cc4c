#include "dsl/http/cookies.h"

#include <algorithm>

#include "dsl/http/message.h"

namespace dsl::http {

namespace {

// RFC 6265 section 4.1.1: cookie-octet.
bool is_octet(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

bool is_value(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return std::all_of(value.begin(), value.end(), is_octet);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ') || text.ends_with('\t')) {
    text.remove_suffix(1);
  }
  return text;
}

std::string_view name_of(SetCookie::SameSite same_site) {
  switch (same_site) {
    case SetCookie::SameSite::kStrict:
      return "Strict";
    case SetCookie::SameSite::kLax:
      return "Lax";
    case SetCookie::SameSite::kNone:
      return "None";
  }
  return "Strict";
}

}  // namespace

Result<Cookies> parse_cookies(std::string_view header) {
  Cookies cookies;
  header = trimmed(header);
  while (!header.empty()) {
    const auto end = header.find(';');
    const std::string_view pair = header.substr(0, end);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) {
      return fail(Code::kInvalidArgument, "a cookie without '='");
    }
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = pair.substr(equals + 1);
    if (!is_token(name) || !is_value(value)) {
      return fail(Code::kInvalidArgument, "a cookie with bytes that it may not have");
    }
    if (cookies.size() >= kCookiesMax) {
      return fail(Code::kInvalidArgument, "more than {} cookies", kCookiesMax);
    }
    cookies.emplace_back(name, value);
    if (end == std::string_view::npos) {
      break;
    }
    header = trimmed(header.substr(end + 1));
    if (header.empty()) {
      return fail(Code::kInvalidArgument, "a cookie list that ends in ';'");
    }
  }
  return cookies;
}

std::optional<std::string_view> find_cookie(const Cookies& cookies, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : cookies) {
    if (key == name) {
      if (found) {
        return std::nullopt;
      }
      found = value;
    }
  }
  return found;
}

Result<std::string> format_set_cookie(const SetCookie& cookie) {
  if (!is_token(cookie.name) || !is_value(cookie.value)) {
    return fail(Code::kInvalidArgument, "the cookie '{}' has bytes that it may not have",
                cookie.name);
  }
  if (!cookie.path.starts_with('/') || has_control(cookie.path) ||
      cookie.path.find(';') != std::string::npos) {
    return fail(Code::kInvalidArgument, "the path of the cookie '{}' is not a path", cookie.name);
  }
  const bool host = cookie.name.starts_with("__Host-");
  if ((host || cookie.name.starts_with("__Secure-")) &&
      (!cookie.secure || (host && cookie.path != "/"))) {
    return fail(Code::kInvalidArgument, "the cookie '{}' does not hold what its prefix promises",
                cookie.name)
        .hint("__Host- wants secure and the path /");
  }
  if (cookie.same_site == SetCookie::SameSite::kNone && !cookie.secure) {
    return fail(Code::kInvalidArgument, "SameSite=None of the cookie '{}' wants secure",
                cookie.name);
  }
  std::string out = text("{}={}; Path={}; SameSite={}", cookie.name, cookie.value, cookie.path,
                         name_of(cookie.same_site));
  if (cookie.max_age) {
    out += text("; Max-Age={}", cookie.max_age->count());
  }
  out += cookie.secure ? "; Secure" : "";
  out += cookie.http_only ? "; HttpOnly" : "";
  return out;
}

}  // namespace dsl::http
