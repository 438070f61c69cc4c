// Addresses as people write them and as the kernel takes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace dsl::env {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const;
  int family() const { return storage.ss_family; }
  int port() const;
};

// "192.0.2.7:9444" and "[2001:db8::7]:9444", the address a literal; nothing for any other text.
std::optional<SocketAddress> parse_socket_address(std::string_view text);

// The two halves of "rift:9444" or "[::1]:9444", the host without brackets; nothing when there is
// no port of 0 to 65535 or no host.
struct HostPort {
  std::string host;
  int port = 0;
};
std::optional<HostPort> split_host_port(std::string_view text);
// With brackets where the host has colons.
std::string join_host_port(std::string_view host, int port);

bool is_address_literal(const std::string& host);   // without brackets
std::string address_text(const sockaddr& address);  // without a port; empty for another family

}  // namespace dsl::env
