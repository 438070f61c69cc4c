// The address of a peer as two numbers: to be compared, masked and hashed.
#pragma once

#include <cstdint>
#include <string_view>

#include <sys/socket.h>

namespace dsl::env {

// A value. The sixteen octets of an IPv6 address; an IPv4 address as ::ffff:0:0/96, also when it
// came that way.
struct AddressBits {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  bool is_v4() const { return high == 0 && low >> 32U == 0xffffU; }
  // The first `length` bits of it (of IPv4: of its 32), the rest zero.
  AddressBits prefix(unsigned length) const;
  bool operator==(const AddressBits&) const = default;
};

// All zero for another family than IPv4 and IPv6.
AddressBits address_bits(const sockaddr* address);
// Of the 4 or 16 octets of an address; all zero for any other number of them.
AddressBits address_bits(std::string_view octets);

}  // namespace dsl::env
