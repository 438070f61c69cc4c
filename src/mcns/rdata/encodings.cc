#include "mcns/rdata/encodings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <arpa/inet.h>

namespace mcns {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase32Digits = "0123456789abcdefghijklmnopqrstuv";

std::optional<unsigned> digit_of(std::string_view digits, char c) {
  const std::size_t value = digits.find(to_lower(c));
  return value == std::string_view::npos ? std::nullopt
                                         : std::optional(static_cast<unsigned>(value));
}

std::optional<std::uint64_t> unit_s(char c) {
  switch (to_lower(c)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 604800;
    default:
      return std::nullopt;
  }
}

// `text` with the NUL that inet_pton wants; nothing when it is too long for an address.
std::optional<std::array<char, INET6_ADDRSTRLEN>> terminated(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (text.size() >= out.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  text.copy(out.data(), text.size());
  return out;
}

std::string padded(std::uint64_t value, std::size_t digits) {
  const std::string text = std::to_string(value);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end && value <= max ? std::optional(value)
                                                                       : std::nullopt;
}

std::optional<std::uint32_t> parse_period(std::string_view text) {
  constexpr std::uint64_t kMax = 0xffffffffU;
  std::uint64_t seconds = 0;
  std::uint64_t value = 0;
  bool has_digits = false;
  bool has_unit = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
      has_digits = true;
    } else {
      const auto unit = unit_s(c);
      if (!unit || !has_digits) {
        return std::nullopt;
      }
      seconds += value * *unit;
      value = 0;
      has_digits = false;
      has_unit = true;
    }
    if (value > kMax || seconds > kMax) {
      return std::nullopt;
    }
  }
  // A number alone is seconds; behind a unit it would be a slip.
  if (has_digits == has_unit) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(seconds + value);
}

std::optional<std::uint32_t> parse_time(std::string_view text) {
  constexpr std::size_t kDigits = 14;
  if (text.size() != kDigits) {
    const auto seconds = parse_number(text, 0xffffffffU);
    return seconds ? std::optional(static_cast<std::uint32_t>(*seconds)) : std::nullopt;
  }
  const auto part = [text](std::size_t at, std::size_t size) {
    return parse_number(text.substr(at, size), 9999);
  };
  const auto year = part(0, 4), month = part(4, 2), day = part(6, 2);
  const auto hour = part(8, 2), minute = part(10, 2), second = part(12, 2);
  if (!year || !month || !day || !hour || !minute || !second) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t time_s =
      days * 86400 + static_cast<std::int64_t>(*hour * 3600 + *minute * 60 + *second);
  return time_s < 0 || time_s > 0xffffffffLL ? std::nullopt
                                             : std::optional(static_cast<std::uint32_t>(time_s));
}

std::string time_text(std::uint32_t time_s) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(time_s / 86400))};
  const std::uint32_t of_day = time_s % 86400;
  return padded(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4) +
         padded(static_cast<unsigned>(date.month()), 2) +
         padded(static_cast<unsigned>(date.day()), 2) + padded(of_day / 3600, 2) +
         padded(of_day / 60 % 60, 2) + padded(of_day % 60, 2);
}

std::string hex(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto value = static_cast<std::uint8_t>(c);
    out += kHexDigits[value >> 4U];
    out += kHexDigits[value & 0x0fU];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return std::nullopt;
  }
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const auto high = digit_of(kHexDigits, text[at]);
    const auto low = digit_of(kHexDigits, text[at + 1]);
    if (!high || !low) {
      return std::nullopt;
    }
    put8(out, (*high << 4U) | *low);
  }
  return out;
}

std::string base32hex(BytesView bytes) {
  std::string out;
  unsigned buffer = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    buffer = ((buffer << 8U) | static_cast<std::uint8_t>(c)) & 0xfffU;
    bits += 8;
    for (; bits >= 5; bits -= 5) {
      out += kBase32Digits[(buffer >> (bits - 5)) & 0x1fU];
    }
  }
  if (bits > 0) {
    out += kBase32Digits[(buffer << (5 - bits)) & 0x1fU];
  }
  return out;
}

std::optional<Bytes> from_base32hex(std::string_view text) {
  Bytes out;
  unsigned buffer = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto value = digit_of(kBase32Digits, c);
    if (!value) {
      return std::nullopt;
    }
    buffer = ((buffer << 5U) | *value) & 0xfffU;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      put8(out, buffer >> bits);
    }
  }
  // RFC 4648 section 3.5: the bits left over are zero and less than a digit, so that each value has
  // one form.
  const bool is_whole = bits < 5 && (buffer & ((1U << bits) - 1U)) == 0;
  return is_whole ? std::optional(std::move(out)) : std::nullopt;
}

void append_quoted(std::string& out, BytesView octets) {
  out += '"';
  for (const char c : octets) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c < 127) {
      out += c;
    } else {
      out += '\\';
      out += padded(static_cast<std::uint8_t>(c), 3);
    }
  }
  out += '"';
}

// Four numbers without leading zeros, which others take for octal.
std::optional<Bytes> parse_ipv4(std::string_view text) {
  const auto copy = terminated(text);
  in_addr address{};
  if (!copy || inet_pton(AF_INET, copy->data(), &address) != 1) {
    return std::nullopt;
  }
  return Bytes(reinterpret_cast<const char*>(&address), sizeof address);
}

std::optional<Bytes> parse_ipv6(std::string_view text) {
  const auto copy = terminated(text);
  in6_addr address{};
  if (!copy || inet_pton(AF_INET6, copy->data(), &address) != 1) {
    return std::nullopt;
  }
  return Bytes(reinterpret_cast<const char*>(&address), sizeof address);
}

std::string ipv4_text(BytesView octets) {
  std::array<char, INET_ADDRSTRLEN> out{};
  inet_ntop(AF_INET, octets.data(), out.data(), out.size());
  return out.data();
}

std::string ipv6_text(BytesView octets) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(AF_INET6, octets.data(), out.data(), out.size());
  return out.data();
}

void put8(Bytes& out, std::uint64_t value) { out += static_cast<char>(value & 0xffU); }
void put16(Bytes& out, std::uint64_t value) {
  put8(out, value >> 8U);
  put8(out, value);
}
void put32(Bytes& out, std::uint64_t value) {
  put16(out, value >> 16U);
  put16(out, value);
}
std::uint8_t get8(BytesView wire, std::size_t at) { return static_cast<std::uint8_t>(wire[at]); }
std::uint16_t get16(BytesView wire, std::size_t at) {
  return static_cast<std::uint16_t>((get8(wire, at) << 8U) | get8(wire, at + 1));
}
std::uint32_t get32(BytesView wire, std::size_t at) {
  return (static_cast<std::uint32_t>(get16(wire, at)) << 16U) | get16(wire, at + 2);
}

}  // namespace mcns
