#include "mcns/rdata/token.h"

#include <array>
#include <cstdint>

namespace mcns {
namespace {

enum CharClass : std::uint8_t {
  kPlainChar,
  kEnd,     // of every word: blanks, ends of lines
  kSyntax,  // of zone files: parentheses and comments
  kQuote,
  kBackslash,
};

constexpr std::array<CharClass, 256> make_classes() {
  std::array<CharClass, 256> classes{};
  for (const char c : {' ', '\t', '\r', '\n'}) {
    classes[static_cast<std::uint8_t>(c)] = kEnd;
  }
  for (const char c : {'(', ')', ';'}) {
    classes[static_cast<std::uint8_t>(c)] = kSyntax;
  }
  classes['"'] = kQuote;
  classes['\\'] = kBackslash;
  return classes;
}

constexpr std::array<CharClass, 256> kClasses = make_classes();

CharClass class_of(char c) { return kClasses[static_cast<std::uint8_t>(c)]; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Size of the escape at text[at], a backslash; 0 when it is none.
std::size_t escape_size(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size() || text[at + 1] == '\n' || text[at + 1] == '\r') {
    return 0;
  }
  if (!is_digit(text[at + 1])) {
    return 2;
  }
  if (at + 3 >= text.size() || !is_digit(text[at + 2]) || !is_digit(text[at + 3])) {
    return 0;
  }
  return text.substr(at + 1, 3) <= "255" ? 4 : 0;
}

constexpr const char* kBadEscape = "an escape is neither \\X nor \\DDD with three digits up to 255";
constexpr const char* kOpenQuote = "a quote is not closed on its line";

// `at` is behind the opening quote; `end` of the outcome is the closing one.
TokenScan scan_quoted(std::string_view text, std::size_t at) {
  TokenScan scan;
  const std::size_t begin = at;
  while (at < text.size() && text[at] != '\n') {
    if (text[at] == '"') {
      scan.token.raw = text.substr(begin, at - begin);
      scan.token.quoted = true;
      scan.end = at;
      return scan;
    }
    if (text[at] == '\\') {
      const std::size_t size = escape_size(text, at);
      if (size == 0) {
        return {.token = {}, .end = at, .fault = kBadEscape};
      }
      scan.token.plain = false;
      at += size;
    } else {
      ++at;
    }
  }
  return {.token = {}, .end = begin - 1, .fault = kOpenQuote};
}

// The octet that the escape or character at raw[at] stands for; moves `at` behind it. Takes what is
// no escape as it is: `scan_token` lets none through.
char take_octet(std::string_view raw, std::size_t& at) {
  const std::size_t size = raw[at] == '\\' ? escape_size(raw, at) : 1;
  const char* c = raw.data() + at;
  at += size == 0 ? 1 : size;
  switch (size) {
    case 2:
      return c[1];
    case 4:
      return static_cast<char>((c[1] - '0') * 100 + (c[2] - '0') * 10 + (c[3] - '0'));
    default:
      return c[0];
  }
}

}  // namespace

Bytes unescape(std::string_view raw) {
  Bytes out;
  out.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size();) {
    out += take_octet(raw, at);
  }
  return out;
}

std::string_view value_of(const Token& token, Bytes& scratch) {
  if (token.plain) {
    return token.raw;
  }
  const std::string_view raw = token.raw;
  scratch.clear();
  bool inside = false;  // of a quoted string behind an equals sign
  for (std::size_t at = 0; at < raw.size();) {
    const bool opens = !inside && !token.quoted && at > 0 && raw[at - 1] == '=';
    if (raw[at] == '"' && (inside || opens)) {
      inside = !inside;
      ++at;
    } else {
      scratch += take_octet(raw, at);
    }
  }
  return scratch;
}

TokenScan scan_token(std::string_view text, std::size_t at, TokenEnd end) {
  if (text[at] == '"') {
    TokenScan scan = scan_quoted(text, at + 1);
    scan.end += scan.fault == nullptr ? 1 : 0;
    return scan;
  }
  TokenScan scan;
  const std::size_t begin = at;
  while (at < text.size()) {
    const CharClass kind = class_of(text[at]);
    if (kind == kEnd || (kind == kSyntax && end == TokenEnd::kZonefile)) {
      break;
    }
    if (kind == kBackslash) {
      const std::size_t size = escape_size(text, at);
      if (size == 0) {
        return {.token = {}, .end = at, .fault = kBadEscape};
      }
      scan.token.plain = false;
      at += size;
    } else if (kind == kQuote && at > begin && text[at - 1] == '=') {
      const TokenScan quoted = scan_quoted(text, at + 1);
      if (quoted.fault != nullptr) {
        return quoted;
      }
      scan.token.plain = false;
      at = quoted.end + 1;
      break;
    } else {
      ++at;
    }
  }
  scan.token.raw = text.substr(begin, at - begin);
  scan.end = at;
  return scan;
}

}  // namespace mcns
