// Sets of addresses: whom something is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/address_bits.h"
#include "dsl/result/result.h"

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
  bool contains(const dsl::env::AddressBits& address) const {
    for (const Prefix& prefix : prefixes_) {
      if ((((address.high ^ prefix.bits.high) & prefix.mask.high) |
           ((address.low ^ prefix.bits.low) & prefix.mask.low)) == 0) {
        return true;
      }
    }
    return false;
  }
  bool empty() const { return prefixes_.empty(); }

 private:
  struct Prefix {
    dsl::env::AddressBits bits;
    dsl::env::AddressBits mask;
  };
  dsl::Result<void> add(std::string_view text);

  std::vector<Prefix> prefixes_;
};

}  // namespace mcns
