#include "dsl/env/socket_address.h"

#include <array>
#include <charconv>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "dsl/result/text.h"

namespace dsl::env {

const sockaddr* SocketAddress::get() const {
  const void* raw = &storage;
  return static_cast<const sockaddr*>(raw);
}

int SocketAddress::port() const {
  const void* raw = &storage;
  return ntohs(family() == AF_INET ? static_cast<const sockaddr_in*>(raw)->sin_port
                                   : static_cast<const sockaddr_in6*>(raw)->sin6_port);
}

std::optional<HostPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::nullopt;
  }
  const std::string_view digits = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // an IPv6 address without brackets: where its port begins is a guess
  }
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool number = error == std::errc() && end == digits.data() + digits.size();
  if (!number || port < 0 || port > 65535 || host.empty()) {
    return std::nullopt;
  }
  return HostPort{std::string(host), port};
}

std::string join_host_port(std::string_view host, int port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return v6 ? text("[{}]:{}", host, port) : text("{}:{}", host, port);
}

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  const std::optional<HostPort> parts = split_host_port(text);
  if (!parts) {
    return std::nullopt;
  }
  SocketAddress address;
  void* raw = &address.storage;
  auto* v4 = static_cast<sockaddr_in*>(raw);
  auto* v6 = static_cast<sockaddr_in6*>(raw);
  if (::inet_pton(AF_INET, parts->host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(parts->port));
    address.size = sizeof(sockaddr_in);
    return address;
  }
  if (::inet_pton(AF_INET6, parts->host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(parts->port));
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return std::nullopt;
}

bool is_address_literal(const std::string& host) {
  return parse_socket_address(join_host_port(host, 0)).has_value();
}

std::string address_text(const sockaddr& address) {
  const void* raw = &address;
  std::array<char, INET6_ADDRSTRLEN> out{};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) {
    bytes = &static_cast<const sockaddr_in*>(raw)->sin_addr;
  } else if (address.sa_family == AF_INET6) {
    bytes = &static_cast<const sockaddr_in6*>(raw)->sin6_addr;
  }
  if (bytes == nullptr ||
      ::inet_ntop(address.sa_family, bytes, out.data(), out.size()) == nullptr) {
    return {};
  }
  return out.data();
}

}  // namespace dsl::env
