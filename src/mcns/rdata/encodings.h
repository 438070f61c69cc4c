// Numbers and octets as text, as zone files write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mcns/wire/name.h"

namespace mcns {

// Decimal digits only, at most `max`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max);
// Seconds, or a period such as "1h30m" or "2W" (s, m, h, d, w); at most 4294967295 s.
std::optional<std::uint32_t> parse_period(std::string_view text);
// RFC 4034 section 3.2: "20040509183619" in UTC, or seconds since 1970.
std::optional<std::uint32_t> parse_time(std::string_view text);
std::string time_text(std::uint32_t time_s);

std::string hex(BytesView bytes);  // lower case
std::optional<Bytes> from_hex(std::string_view text);
std::string base32hex(BytesView bytes);  // RFC 4648 section 7, lower case, without padding
std::optional<Bytes> from_base32hex(std::string_view text);

// With quotes around it; quotes, backslashes and what is not printable escaped.
void append_quoted(std::string& out, BytesView octets);

// "192.0.2.1" and "2001:db8::1" as 4 and 16 octets, and back. `ipv6_text` as RFC 5952 says.
std::optional<Bytes> parse_ipv4(std::string_view text);
std::optional<Bytes> parse_ipv6(std::string_view text);
std::string ipv4_text(BytesView octets);
std::string ipv6_text(BytesView octets);

// Numbers in wire form. The octets have to be there.
void put8(Bytes& out, std::uint64_t value);
void put16(Bytes& out, std::uint64_t value);
void put32(Bytes& out, std::uint64_t value);
std::uint8_t get8(BytesView wire, std::size_t at);
std::uint16_t get16(BytesView wire, std::size_t at);
std::uint32_t get32(BytesView wire, std::size_t at);

}  // namespace mcns
