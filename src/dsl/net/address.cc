#include "dsl/net/address.h"

#include <charconv>
#include <cstdint>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace dsl::net {

namespace {

sockaddr_in v4_of(const Address& address) {
  sockaddr_in v4{};
  std::memcpy(&v4, &address.storage, sizeof v4);
  return v4;
}

sockaddr_in6 v6_of(const Address& address) {
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address.storage, sizeof v6);
  return v6;
}

template <class Raw>
Address wrap(const Raw& raw) {
  Address address;
  std::memcpy(&address.storage, &raw, sizeof raw);
  address.size = sizeof raw;
  return address;
}

Failure not_an_address(std::string_view given) {
  return fail(Code::kInvalidArgument, "'{}' is not an address with a port", given)
      .hint("write 127.0.0.1:8443 or [::1]:8443; names are resolved by the caller");
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return not_an_address(text);
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
    return not_an_address(text);
  }
  std::string host(text.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) == 1) {
      return wrap(v6);
    }
    return not_an_address(text);
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    return wrap(v4);
  }
  return not_an_address(text);
}

Address make_address(std::string_view ip_bytes, std::uint16_t port) {
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

std::string host_of(const Address& address) {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    const sockaddr_in v4 = v4_of(address);
    return ::inet_ntop(AF_INET, &v4.sin_addr, buffer, sizeof buffer);
  }
  if (address.storage.ss_family == AF_INET6) {
    const sockaddr_in6 v6 = v6_of(address);
    return ::inet_ntop(AF_INET6, &v6.sin6_addr, buffer, sizeof buffer);
  }
  return "unix";
}

std::uint16_t port_of(const Address& address) {
  if (address.storage.ss_family == AF_INET) {
    return ntohs(v4_of(address).sin_port);
  }
  return address.storage.ss_family == AF_INET6 ? ntohs(v6_of(address).sin6_port) : std::uint16_t{0};
}

std::string to_text(const Address& address) {
  switch (address.storage.ss_family) {
    case AF_INET:
      return text("{}:{}", host_of(address), port_of(address));
    case AF_INET6:
      return text("[{}]:{}", host_of(address), port_of(address));
    default:
      return "unix";
  }
}

bool is_loopback(const Address& address) {
  if (address.storage.ss_family == AF_INET) {
    return ntohl(v4_of(address).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  if (address.storage.ss_family == AF_INET6) {
    const sockaddr_in6 v6 = v6_of(address);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127;
    return mapped || std::memcmp(&v6.sin6_addr, &in6addr_loopback, sizeof in6addr_loopback) == 0;
  }
  return address.storage.ss_family == AF_UNIX;
}

std::string party_of(const Address& address) {
  if (address.storage.ss_family == AF_INET6) {
    const sockaddr_in6 v6 = v6_of(address);
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      constexpr std::size_t kPrefixBytes = 8;
      std::string prefix(kPrefixBytes, '\0');
      std::memcpy(prefix.data(), &v6.sin6_addr, kPrefixBytes);
      return prefix;
    }
  }
  return host_of(address);
}

Address local_address(int fd) {
  Address address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.raw(), &address.size) != 0) {
    return {};
  }
  return address;
}

Address peer_address(int fd) {
  Address address;
  address.size = sizeof address.storage;
  if (::getpeername(fd, address.raw(), &address.size) != 0) {
    return {};
  }
  return address;
}

}  // namespace dsl::net
