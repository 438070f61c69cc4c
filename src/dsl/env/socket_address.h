// Addresses of sockets, as people write them and as the kernel takes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "dsl/result/result.h"

namespace dsl::env {

// A value. IPv4 or IPv6 with a port, or a unix socket; `size` 0 = none.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  }
  sockaddr* raw() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }
  int family() const { return storage.ss_family; }
};

// "192.0.2.7:9444" and "[2001:db8::7]:9444": literals only. kInvalidArgument otherwise.
Result<SocketAddress> parse_socket_address(std::string_view text);
// From four or sixteen bytes in network order.
SocketAddress make_socket_address(std::string_view ip_bytes, std::uint16_t port);
// kInvalidArgument when the kernel could not take the path.
Result<SocketAddress> unix_socket_address(const std::string& path);

// "192.0.2.7:50514", "[::1]:8443"; "unix" for what is neither IPv4 nor IPv6.
std::string to_text(const SocketAddress& address);
std::string host_of(const SocketAddress& address);  // without port and brackets
std::uint16_t port_of(const SocketAddress& address);
bool is_loopback(const SocketAddress& address);  // a unix socket is, too

// The local and the remote end of a socket.
SocketAddress local_address(int fd);
SocketAddress peer_address(int fd);

// The two halves of "rift:9444" or "[::1]:9444", the host without brackets; nothing when there is
// no port of 0 to 65535 or no host.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
std::optional<HostPort> split_host_port(std::string_view text);
// With brackets where the host has colons.
std::string join_host_port(std::string_view host, int port);

bool is_address_literal(const std::string& host);   // without brackets
std::string address_text(const sockaddr& address);  // without a port; empty for another family

}  // namespace dsl::env
