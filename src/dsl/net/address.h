// IP addresses with a port, as text and as the kernel wants them.
#pragma once

#include <string>
#include <string_view>

#include <sys/socket.h>

#include "dsl/result/result.h"

namespace dsl::net {

// A value. IPv4 or IPv6; `size` 0 = none.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  }
  sockaddr* raw() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }
};

// "127.0.0.1:8443" or "[::1]:0": literals only. kInvalidArgument otherwise.
Result<Address> parse_address(std::string_view text);
// From four or sixteen bytes in network order.
Address make_address(std::string_view ip_bytes, std::uint16_t port);

// "192.0.2.7:50514", "[::1]:8443"; "unix" for what is neither IPv4 nor IPv6.
std::string to_text(const Address& address);
std::string host_of(const Address& address);  // without port and brackets
std::uint16_t port_of(const Address& address);
bool is_loopback(const Address& address);

// The part of an address that one party holds: an IPv4 address, or the /64 of an IPv6 one.
std::string party_of(const Address& address);

// The local and the remote end of a socket.
Address local_address(int fd);
Address peer_address(int fd);

}  // namespace dsl::net
