// SipHash-2-4 of Aumasson and Bernstein, with 64 bits of output.
#pragma once

#include <cstdint>
#include <string_view>

namespace mcns::cookie {

// Sixteen octets, each half read as a little-endian number.
struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  static SipKey from(std::string_view octets);  // of at least sixteen
};

std::uint64_t siphash24(const SipKey& key, std::string_view data);

}  // namespace mcns::cookie
