#include "mcp/agent/resolver_probe.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "dsl/env/unique_fd.h"
#include "mcp/boot/gate.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::Result;

namespace {

constexpr std::uint16_t kTypeSoa = 6;
constexpr int kTries = 2;
constexpr int kPatienceMs = 1000;  // of each try
constexpr int kDatagramsMax = 16;  // late ones and noise are passed over

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> address_of(const std::string& ip, std::uint16_t port) {
  Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (inet_pton(AF_INET, ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof v4;
  } else if (inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof v6;
  } else {
    return fail(Code::kInvalidArgument, "{} is no address", ip);
  }
  return address;
}

// False when this try's time has passed.
Result<bool> answered(int fd, std::uint16_t id) {
  std::array<char, 4096> packet{};
  for (int datagrams = 0; datagrams < kDatagramsMax; ++datagrams) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kPatienceMs) <= 0) {
      return false;
    }
    const ssize_t size = ::recv(fd, packet.data(), packet.size(), 0);
    if (size < 0) {
      return fail(Code::kUnavailable, "{}", std::strerror(errno));
    }
    const boot::DnsReply reply =
        boot::parse_dns_reply(std::string_view(packet.data(), static_cast<std::size_t>(size)));
    if (reply.well_formed && reply.id == id) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<void> ask_resolver(dsl::env::Env& env, const std::string& ip, std::uint16_t port) {
  MC_ASSIGN(const Address address, address_of(ip, port));
  const dsl::env::UniqueFd fd(::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    return fail(Code::kUnavailable, "{}", std::strerror(errno));
  }
  const auto id = static_cast<std::uint16_t>(env.random().below(65536));
  const std::string query = boot::dns_query("com", kTypeSoa, id);
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (::send(fd.get(), query.data(), query.size(), MSG_NOSIGNAL) < 0) {
      return fail(Code::kUnavailable, "{}", std::strerror(errno));
    }
    MC_ASSIGN(const bool done, answered(fd.get(), id));
    if (done) {
      return {};
    }
  }
  return fail(Code::kDeadlineExceeded, "no answer within {} s", kTries * kPatienceMs / 1000);
}

}  // namespace mcp::agent
