#include "mcns/events/event.h"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>

#include "dsl/env/socket_address.h"

namespace mcns {

std::string_view text(AnswerPath path) {
  constexpr std::array<std::string_view, 4> kTexts{"zone", "special", "cache", "forward"};
  return kTexts.at(static_cast<std::size_t>(path));
}

std::string_view text(Limited limited) {
  constexpr std::array<std::string_view, 3> kTexts{"", "slipped", "dropped"};
  return kTexts.at(static_cast<std::size_t>(limited));
}

EventAddress EventAddress::of(const sockaddr& address) {
  EventAddress out;
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    std::memcpy(out.octets.data(), &v4.sin_addr, sizeof(v4.sin_addr));
    out.port = ntohs(v4.sin_port);
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    out.port = ntohs(v6.sin6_port);
    out.is_v6 = !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
    const std::size_t skip = out.is_v6 ? 0 : 12;
    std::memcpy(out.octets.data(), v6.sin6_addr.s6_addr + skip, out.octets.size() - skip);
  }
  return out;
}

std::string_view EventAddress::bytes() const {
  return {reinterpret_cast<const char*>(octets.data()), is_v6 ? octets.size() : sizeof(in_addr)};
}

std::string EventAddress::text() const {
  return dsl::env::host_of(dsl::env::make_socket_address(bytes(), port));
}

}  // namespace mcns
