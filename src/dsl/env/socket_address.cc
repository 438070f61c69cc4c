#include "dsl/env/socket_address.h"

#include <array>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace dsl::env {

namespace {

sockaddr_in v4_of(const SocketAddress& address) {
  sockaddr_in v4{};
  std::memcpy(&v4, &address.storage, sizeof v4);
  return v4;
}

sockaddr_in6 v6_of(const SocketAddress& address) {
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address.storage, sizeof v6);
  return v6;
}

template <class Raw>
SocketAddress wrap(const Raw& raw) {
  SocketAddress address;
  std::memcpy(&address.storage, &raw, sizeof raw);
  address.size = sizeof raw;
  return address;
}

std::optional<SocketAddress> literal_address(const std::string& host, std::uint16_t port) {
  std::array<char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) {
    return make_socket_address({bytes.data(), sizeof(in_addr)}, port);
  }
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) {
    return make_socket_address({bytes.data(), sizeof(in6_addr)}, port);
  }
  return std::nullopt;
}

using NameOf = int (*)(int, sockaddr*, socklen_t*);

SocketAddress end_of(int fd, NameOf name_of) {
  SocketAddress address;
  address.size = sizeof address.storage;
  return name_of(fd, address.raw(), &address.size) == 0 ? address : SocketAddress();
}

}  // namespace

Result<SocketAddress> parse_socket_address(std::string_view text) {
  const std::optional<HostPort> parts = split_host_port(text);
  const std::optional<SocketAddress> address =
      parts ? literal_address(parts->host, parts->port) : std::nullopt;
  if (!address) {
    return fail(Code::kInvalidArgument, "'{}' is not an IP address with a port", text)
        .hint("write 127.0.0.1:8443 or [::1]:8443; names are resolved by the caller");
  }
  return *address;
}

SocketAddress make_socket_address(std::string_view ip_bytes, std::uint16_t port) {
  if (ip_bytes.size() == sizeof(in_addr)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip_bytes.data(), ip_bytes.size());
    return wrap(v4);
  }
  MC_ASSERT(ip_bytes.size() == sizeof(in6_addr), "an IP address has 4 or 16 bytes");
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, ip_bytes.data(), ip_bytes.size());
  return wrap(v6);
}

Result<SocketAddress> unix_socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Code::kInvalidArgument, "the socket path '{}' has {} bytes", path, path.size())
        .hint(text("a unix socket's path has at least 1 and holds at most {}",
                   sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return wrap(address);
}

std::string to_text(const SocketAddress& address) {
  const bool ip = address.family() == AF_INET || address.family() == AF_INET6;
  return ip ? join_host_port(host_of(address), port_of(address)) : "unix";
}

std::string host_of(const SocketAddress& address) {
  std::string host = address_text(*address.raw());
  return host.empty() ? "unix" : host;
}

std::uint16_t port_of(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    return ntohs(v4_of(address).sin_port);
  }
  return address.family() == AF_INET6 ? ntohs(v6_of(address).sin6_port) : std::uint16_t{0};
}

bool is_loopback(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    return ntohl(v4_of(address).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  if (address.family() == AF_INET6) {
    const sockaddr_in6 v6 = v6_of(address);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127;
    return mapped || std::memcmp(&v6.sin6_addr, &in6addr_loopback, sizeof in6addr_loopback) == 0;
  }
  return address.family() == AF_UNIX;
}

SocketAddress local_address(int fd) { return end_of(fd, ::getsockname); }

SocketAddress peer_address(int fd) { return end_of(fd, ::getpeername); }

std::optional<HostPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::nullopt;
  }
  const std::string_view digits = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  // An IPv6 address stands in brackets, since where its port begins would be a guess; nothing else
  // does.
  if (host.empty() || (host.find(':') != std::string_view::npos) != bracketed) {
    return std::nullopt;
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return HostPort{std::string(host), port};
}

std::string join_host_port(std::string_view host, int port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return v6 ? text("[{}]:{}", host, port) : text("{}:{}", host, port);
}

bool is_address_literal(const std::string& host) { return literal_address(host, 0).has_value(); }

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
