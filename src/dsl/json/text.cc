#include "dsl/json/text.h"

#include <array>

namespace dsl::json {

namespace {

// RFC 8785 section 3.2.2.2. False for a byte that stands for itself.
bool append_escape(char c, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return true;
    case '\\':
      out += "\\\\";
      return true;
    case '\b':
      out += "\\b";
      return true;
    case '\f':
      out += "\\f";
      return true;
    case '\n':
      out += "\\n";
      return true;
    case '\r':
      out += "\\r";
      return true;
    case '\t':
      out += "\\t";
      return true;
    default:
      break;
  }
  if (static_cast<unsigned char>(c) >= 0x20) {
    return false;
  }
  out += "\\u00";
  out += kHex[static_cast<unsigned char>(c) >> 4];
  out += kHex[static_cast<unsigned char>(c) & 0xF];
  return true;
}

// ASCII that stands for itself inside a string.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) {
    plain[c] = c != '"' && c != '\\';
  }
  return plain;
}();

}  // namespace

std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const int length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < static_cast<std::size_t>(length)) {
    return std::nullopt;
  }
  char32_t point = lead & (0xFFU >> (length + 1));
  for (int i = 1; i < length; ++i) {
    const unsigned char next = byte(at + static_cast<std::size_t>(i));
    if ((next & 0xC0U) != 0x80U) {
      return std::nullopt;
    }
    point = (point << 6) | (next & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || (point >= 0xD800 && point <= 0xDFFF) || point > 0x10FFFF) {
    return std::nullopt;
  }
  at += static_cast<std::size_t>(length);
  return point;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!next_code_point(text, at)) {
      return false;
    }
  }
  return true;
}

void append_string(std::string_view text, std::string& out) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (kPlain[static_cast<unsigned char>(c)]) {
      ++at;
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x80 && next_code_point(text, at)) {
      continue;
    }
    // Only here is anything written, so that plain text is copied in long pieces.
    out += text.substr(copied, at - copied);
    if (!append_escape(c, out)) {
      out += "\xEF\xBF\xBD";
    }
    copied = ++at;
  }
  out += text.substr(copied);
  out += '"';
}

}  // namespace dsl::json
