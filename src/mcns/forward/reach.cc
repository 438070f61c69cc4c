#include "mcns/forward/reach.h"

#include <cstdint>

#include "dsl/env/address_bits.h"
#include "dsl/env/socket_address.h"

namespace mcns {
namespace {

// RFC 6890, in the order of the addresses.
Reach reach_of_v4(std::uint32_t address) {
  const auto is_in = [&](std::uint32_t prefix, unsigned length) {
    return address >> (32U - length) == prefix >> (32U - length);
  };
  if (is_in(0x00000000U, 8) || is_in(0xe0000000U, 3)) {  // 0.0.0.0/8; 224.0.0.0 and all above
    return Reach::kNowhere;
  }
  if (is_in(0x7f000000U, 8)) {  // 127.0.0.0/8
    return Reach::kMachine;
  }
  const bool is_site = is_in(0x0a000000U, 8) ||   // 10.0.0.0/8
                       is_in(0x64400000U, 10) ||  // 100.64.0.0/10
                       is_in(0xa9fe0000U, 16) ||  // 169.254.0.0/16
                       is_in(0xac100000U, 12) ||  // 172.16.0.0/12
                       is_in(0xc0a80000U, 16);    // 192.168.0.0/16
  return is_site ? Reach::kSite : Reach::kAnywhere;
}

Reach reach_of_v6(const dsl::env::AddressBits& address) {
  if (address.high == 0) {  // ::/64: what holds an IPv4 address is in there
    return address.low == 1 ? Reach::kMachine : Reach::kNowhere;
  }
  if (address.high >> 56U == 0xffU) {  // ff00::/8
    return Reach::kNowhere;
  }
  const bool is_site = address.high >> 57U == 0xfcU >> 1U ||  // fc00::/7
                       address.high >> 54U == 0xfe80U >> 6U;  // fe80::/10
  return is_site ? Reach::kSite : Reach::kAnywhere;
}

}  // namespace

Reach reach_of(const std::string& address) {
  const auto at = dsl::env::parse_socket_address(dsl::env::join_host_port(address, 0));
  if (!at) {
    return Reach::kNowhere;
  }
  const dsl::env::AddressBits bits = dsl::env::address_bits(at->raw());
  return at->family() == AF_INET ? reach_of_v4(static_cast<std::uint32_t>(bits.low))
                                 : reach_of_v6(bits);
}

}  // namespace mcns
