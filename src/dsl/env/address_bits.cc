#include "dsl/env/address_bits.h"

#include <cstring>

#include <endian.h>
#include <netinet/in.h>

namespace dsl::env {
namespace {

constexpr std::uint64_t kMapped = std::uint64_t{0xffff} << 32U;
constexpr unsigned kMappedBits = 96;

// The first `count` of 64 bits.
std::uint64_t mask(unsigned count) {
  return count == 0 ? 0 : ~std::uint64_t{0} << (count < 64 ? 64 - count : 0);
}

}  // namespace

AddressBits AddressBits::prefix(unsigned length) const {
  const unsigned bits = is_v4() ? kMappedBits + length : length;
  return {high & mask(bits < 64 ? bits : 64), low & mask(bits < 64 ? 0 : bits - 64)};
}

AddressBits address_bits(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof(v4));
    return {0, kMapped | ntohl(v4.sin_addr.s_addr)};
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof(v6));
    return address_bits({reinterpret_cast<const char*>(&v6.sin6_addr), sizeof(v6.sin6_addr)});
  }
  return {};
}

AddressBits address_bits(std::string_view octets) {
  AddressBits out;
  if (octets.size() == sizeof(std::uint32_t)) {
    std::uint32_t v4 = 0;
    std::memcpy(&v4, octets.data(), sizeof(v4));
    out.low = kMapped | be32toh(v4);
  } else if (octets.size() == sizeof(out.high) + sizeof(out.low)) {
    std::memcpy(&out.high, octets.data(), sizeof(out.high));
    std::memcpy(&out.low, octets.data() + sizeof(out.high), sizeof(out.low));
    out.high = be64toh(out.high);
    out.low = be64toh(out.low);
  }
  return out;
}

}  // namespace dsl::env
