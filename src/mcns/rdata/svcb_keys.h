// The keys of SVCB parameters and how their values look.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mcns/wire/name.h"

namespace mcns {

// The registry of IANA, "Service Parameter Keys". The numbers are those on the wire.
enum SvcKey : std::uint16_t {
  kMandatory = 0,
  kAlpn = 1,
  kNoDefaultAlpn = 2,
  kPort = 3,
  kIpv4Hint = 4,
  kEch = 5,
  kIpv6Hint = 6,
  kDohPath = 7,  // RFC 9461
  kOhttp = 8,    // RFC 9540
};

// "alpn", "key667" for those without a name.
std::string svc_key_text(std::uint16_t key);
std::optional<std::uint16_t> parse_svc_key(std::string_view text);

// What is allowed as a value, for errors.
std::string_view allowed_svc_value(std::uint16_t key);
// The wire form of `value`, in which escapes are resolved already; nothing when it is no value for
// `key`.
std::optional<Bytes> read_svc_value(std::uint16_t key, std::string_view value);
// Whether `wire` is of the form that `key` has.
bool is_svc_value(std::uint16_t key, BytesView wire);
// With the equals sign; nothing for an empty value.
void append_svc_value(std::string& out, std::uint16_t key, BytesView wire);

}  // namespace mcns
