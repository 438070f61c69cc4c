// Sets of addresses: whom something is allowed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/socket_address.h"

namespace mcns {

// A value; thread-safe to read.
class Prefixes {
 public:
  Prefixes() = default;  // nobody
  // Each "192.0.2.0/24", "2001:db8::/32", "192.0.2.7", "private" (loopback, RFC 1918,
  // 100.64.0.0/10, link-local, fc00::/7), "any" or "none". kInvalidArgument names the one that is
  // none of these.
  static dsl::Result<Prefixes> parse(const std::vector<std::string>& texts);

  // An IPv4 address inside an IPv6 one counts as IPv4.
  bool contains(const sockaddr* address) const;
  // The 4 or 16 octets of one.
  bool contains(std::string_view address) const;
  bool empty() const { return prefixes_.empty(); }

 private:
  struct Prefix {
    std::array<std::uint8_t, 16> bits{};  // IPv4 as ::ffff:0:0/96
    unsigned length = 0;
  };
  dsl::Result<void> add(std::string_view text);
  bool has(const std::array<std::uint8_t, 16>& bits) const;

  std::vector<Prefix> prefixes_;
};

}  // namespace mcns
