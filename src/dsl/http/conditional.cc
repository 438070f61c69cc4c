#include "dsl/http/conditional.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <openssl/evp.h>

#include "dsl/http/date.h"

namespace dsl::http {

namespace {

bool is_weak(std::string_view tag) { return tag.starts_with("W/"); }
std::string_view opaque(std::string_view tag) { return is_weak(tag) ? tag.substr(2) : tag; }

// RFC 9110 section 8.8.3.2.
bool strong_match(std::string_view left, std::string_view right) {
  return !is_weak(left) && !is_weak(right) && left == right;
}
bool weak_match(std::string_view left, std::string_view right) {
  return opaque(left) == opaque(right);
}

// Calls `matches` with each tag of a list; "*" matches what exists. Quotes may hold commas.
template <class Matches>
bool any_tag(std::string_view list, std::string_view etag, Matches matches) {
  if (list == "*") {
    return true;
  }
  while (!list.empty()) {
    const auto open = list.find('"');
    const auto close = open == std::string_view::npos ? open : list.find('"', open + 1);
    if (close == std::string_view::npos) {
      return false;
    }
    const std::size_t begin = open >= 2 && list.substr(open - 2, 2) == "W/" ? open - 2 : open;
    if (!etag.empty() && matches(list.substr(begin, close + 1 - begin), etag)) {
      return true;
    }
    list.remove_prefix(close + 1);
  }
  return false;
}

// Dates have whole seconds; so has what they are compared with.
bool later_than(const std::optional<env::WallTime>& modified, env::WallTime date) {
  return modified && std::chrono::floor<std::chrono::seconds>(*modified) > date;
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

bool is_read(const Exchange& exchange) {
  return exchange.method() == "GET" || exchange.method() == "HEAD";
}

// RFC 9110 section 13.1.5: a range of another representation than the client's is no use.
bool if_range_holds(const Exchange& exchange, const Validators& validators) {
  const std::string value = exchange.header("if-range");
  if (value.empty()) {
    return true;
  }
  if (value.find('"') != std::string::npos) {
    return strong_match(value, validators.etag);
  }
  const auto date = parse_http_date(value);
  return date && validators.modified &&
         std::chrono::floor<std::chrono::seconds>(*validators.modified) == *date;
}

}  // namespace

std::string strong_etag(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::size_t kTagBytes = 16;  // of the hash: no two assets of a service ever collide
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  MC_ASSERT(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
      "SHA-256 is always there");
  std::string tag = "\"";
  for (std::size_t i = 0; i < kTagBytes; ++i) {
    tag += kHex[digest[i] >> 4];
    tag += kHex[digest[i] & 15];
  }
  return tag + '"';
}

Condition check_conditions(const Exchange& exchange, const Validators& validators) {
  if (const std::string tags = exchange.header("if-match"); !tags.empty()) {
    if (!any_tag(tags, validators.etag, strong_match)) {
      return Condition::kFailed;
    }
  } else if (const auto date = parse_http_date(exchange.header("if-unmodified-since"));
             date && later_than(validators.modified, *date)) {
    return Condition::kFailed;
  }
  if (const std::string tags = exchange.header("if-none-match"); !tags.empty()) {
    if (any_tag(tags, validators.etag, weak_match)) {
      return is_read(exchange) ? Condition::kNotModified : Condition::kFailed;
    }
  } else if (const auto date = parse_http_date(exchange.header("if-modified-since"));
             date && is_read(exchange) && validators.modified &&
             !later_than(validators.modified, *date)) {
    return Condition::kNotModified;
  }
  return Condition::kProceed;
}

RangeChoice choose_range(const Exchange& exchange, std::uint64_t size,
                         const Validators& validators) {
  constexpr std::string_view kUnit = "bytes=";
  const std::string header = exchange.header("range");
  std::string_view spec = header;
  if (exchange.method() != "GET" || !spec.starts_with(kUnit) ||
      !if_range_holds(exchange, validators)) {
    return {};
  }
  spec.remove_prefix(kUnit.size());
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) {
    return {};
  }
  const auto first = number(spec.substr(0, dash));
  const auto last = number(spec.substr(dash + 1));
  if (!first && dash == 0 && last) {  // the last so many bytes
    if (*last == 0 || size == 0) {
      return {RangeOutcome::kUnsatisfiable, {}};
    }
    const std::uint64_t count = std::min(*last, size);
    return {RangeOutcome::kPart, {size - count, count}};
  }
  if (!first || (!last && dash + 1 != spec.size()) || (last && *last < *first)) {
    return {};  // RFC 9110 section 14.1.1: an invalid range is ignored
  }
  if (*first >= size) {
    return {RangeOutcome::kUnsatisfiable, {}};
  }
  const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return {RangeOutcome::kPart, {*first, end - *first + 1}};
}

void reply_conditional(Exchange& exchange, const Validators& validators, Headers headers,
                       std::string_view body) {
  if (!validators.etag.empty()) {
    headers.emplace_back("etag", validators.etag);
  }
  if (validators.modified) {
    headers.emplace_back("last-modified", format_http_date(*validators.modified));
  }
  switch (check_conditions(exchange, validators)) {
    case Condition::kNotModified:
      exchange.reply({304, std::move(headers), ""});
      return;
    case Condition::kFailed:
      exchange.reply({412, std::move(headers), ""});
      return;
    case Condition::kProceed:
      break;
  }
  headers.emplace_back("accept-ranges", "bytes");
  const RangeChoice choice = choose_range(exchange, body.size(), validators);
  switch (choice.outcome) {
    case RangeOutcome::kWhole:
      exchange.reply({200, std::move(headers), std::string(body)});
      return;
    case RangeOutcome::kPart:
      headers.emplace_back("content-range",
                           text("bytes {}-{}/{}", choice.range.first,
                                choice.range.first + choice.range.size - 1, body.size()));
      exchange.reply({206, std::move(headers),
                      std::string(body.substr(choice.range.first, choice.range.size))});
      return;
    case RangeOutcome::kUnsatisfiable:
      headers.emplace_back("content-range", text("bytes */{}", body.size()));
      exchange.reply({416, std::move(headers), ""});
      return;
  }
}

}  // namespace dsl::http
