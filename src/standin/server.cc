#include "standin/server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "standin/dns.h"

namespace standin {
namespace {

constexpr std::size_t kConnectionsMax = 256;
constexpr std::chrono::seconds kIdleMax{60};
constexpr int kBacklog = 128;
constexpr int kBurstMax = 64;  // datagrams or connections taken from one socket before the others
constexpr int kFreePortTries = 20;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  sockaddr_in* v4() { return reinterpret_cast<sockaddr_in*>(&storage); }
  sockaddr_in6* v6() { return reinterpret_cast<sockaddr_in6*>(&storage); }
};

Address address_of(const Listen& listen) {
  Address address;
  if (::inet_pton(AF_INET, listen.host.c_str(), &address.v4()->sin_addr) == 1) {
    address.v4()->sin_family = AF_INET;
    address.v4()->sin_port = htons(listen.port);
    address.size = sizeof(sockaddr_in);
  } else {
    ::inet_pton(AF_INET6, listen.host.c_str(), &address.v6()->sin6_addr);
    address.v6()->sin6_family = AF_INET6;
    address.v6()->sin6_port = htons(listen.port);
    address.size = sizeof(sockaddr_in6);
  }
  return address;
}

// A bound socket, listening if it is a stream; errno tells why it is none.
Fd open_socket(const Listen& listen, int type) {
  Address address = address_of(listen);
  Fd fd(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd.get() < 0) {
    return fd;
  }
  if (address.storage.ss_family == AF_INET6) {  // so that 0.0.0.0 can stand beside [::]
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (type == SOCK_STREAM) {  // not for datagrams: two could share a port and lose answers
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (::bind(fd.get(), address.get(), address.size) != 0 ||
      (type == SOCK_STREAM && ::listen(fd.get(), kBacklog) != 0)) {
    return Fd{};
  }
  return fd;
}

std::uint16_t port_of(const Fd& fd) {
  Address address;
  ::getsockname(fd.get(), address.get(), &address.size);
  return ntohs(address.storage.ss_family == AF_INET ? address.v4()->sin_port
                                                    : address.v6()->sin6_port);
}

}  // namespace

tl::expected<Server, std::string> Server::open(const Settings& settings,
                                               std::vector<HandedSocket> handed) {
  Server server(settings);
  if (*server.tls_ == nullptr) {
    return tl::unexpected(std::string("OpenSSL made no certificate"));
  }
  std::vector<Kind> taken;
  for (HandedSocket& socket : handed) {
    const auto kind = server.take(std::move(socket));
    if (!kind) {
      return tl::unexpected(kind.error());
    }
    taken.push_back(*kind);
  }
  for (const auto& listen : settings.listens) {
    if (std::find(taken.begin(), taken.end(), listen.kind) != taken.end()) {
      continue;
    }
    if (auto bound = server.bind(listen); !bound) {
      return tl::unexpected(bound.error());
    }
  }
  return server;
}

Server::Server(const Settings& settings)
    : health_(std::make_unique<Health>(settings.service, settings.fail_file)),
      tls_(std::make_unique<TlsContext>(make_tls(settings.service))) {}

tl::expected<Kind, std::string> Server::take(HandedSocket handed) {
  const auto kind = kind_named(handed.name);
  Address address;
  int type = 0;
  socklen_t size = sizeof type;
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (!kind || ::getsockname(handed.fd.get(), address.get(), &address.size) != 0 ||
      ::getsockopt(handed.fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    return tl::unexpected("nothing answers on a socket named " + handed.name);
  }
  const bool v4 = address.storage.ss_family == AF_INET;
  ::inet_ntop(address.storage.ss_family,
              v4 ? static_cast<const void*>(&address.v4()->sin_addr) : &address.v6()->sin6_addr,
              host.data(), host.size());
  const Listen listen{*kind, host.data(), port_of(handed.fd)};
  if (std::find(listens_.begin(), listens_.end(), listen) == listens_.end()) {
    listens_.push_back(listen);
  }
  sockets_.push_back({std::move(handed.fd), *kind, type == SOCK_DGRAM});
  return *kind;
}

tl::expected<void, std::string> Server::bind(const Listen& listen) {
  const bool datagrams = listen.kind == Kind::kDns;
  const bool any_port = listen.port == 0;
  for (int attempt = 1;; ++attempt) {
    Fd stream = open_socket(listen, SOCK_STREAM);
    Fd datagram;
    Listen bound = listen;
    if (stream.get() >= 0) {
      bound.port = port_of(stream);
      datagram = datagrams ? open_socket(bound, SOCK_DGRAM) : Fd{};
    }
    if (stream.get() >= 0 && (!datagrams || datagram.get() >= 0)) {
      sockets_.push_back({std::move(stream), listen.kind, false});
      if (datagrams) {
        sockets_.push_back({std::move(datagram), listen.kind, true});
      }
      listens_.push_back(bound);
      return {};
    }
    // A port that is free for TCP may be taken for UDP.
    if (errno != EADDRINUSE || !any_port || attempt == kFreePortTries) {
      return tl::unexpected("cannot listen on " + bound.text() + ": " + std::strerror(errno));
    }
  }
}

void Server::run(int stop_fd) {
  std::vector<pollfd> polled;
  for (;;) {
    polled.clear();
    polled.push_back({stop_fd, POLLIN, 0});
    for (const auto& socket : sockets_) {
      polled.push_back({socket.fd.get(), POLLIN, 0});
    }
    bool ready = false;
    for (const auto& connection : connections_) {
      polled.push_back({connection.fd(), connection.wanted(), 0});
      ready = ready || connection.ready();
    }
    // Woken each second to look for idle connections.
    if (::poll(polled.data(), polled.size(), ready ? 0 : 1000) < 0 && errno != EINTR) {
      return;
    }
    if (polled[0].revents != 0) {
      return;
    }

    const auto now = std::chrono::steady_clock::now();
    std::size_t at = 1 + sockets_.size();
    for (auto connection = connections_.begin(); connection != connections_.end(); ++at) {
      const bool work = polled[at].revents != 0 || connection->ready();
      const bool keep = work ? connection->advance(now) : now - connection->last_used() < kIdleMax;
      connection = keep ? std::next(connection) : connections_.erase(connection);
    }
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      if (polled[1 + i].revents == 0) {
        continue;
      }
      if (sockets_[i].datagram) {
        answer_datagrams(sockets_[i]);
      } else {
        accept(sockets_[i], now);
      }
    }
  }
}

void Server::accept(const Socket& socket, Connection::Time now) {
  for (int count = 0; count < kBurstMax; ++count) {
    Fd fd(::accept4(socket.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() < 0) {
      return;
    }
    if (connections_.size() == kConnectionsMax) {
      connections_.erase(std::min_element(
          connections_.begin(), connections_.end(),
          [](const auto& a, const auto& b) { return a.last_used() < b.last_used(); }));
    }
    connections_.emplace_back(std::move(fd), socket.kind, *health_, *tls_, now);
    if (!connections_.back().advance(now)) {
      connections_.pop_back();
    }
  }
}

void Server::answer_datagrams(const Socket& socket) {
  std::array<char, 4096> buffer;
  for (int count = 0; count < kBurstMax; ++count) {
    Address peer;
    const auto size =
        ::recvfrom(socket.fd.get(), buffer.data(), buffer.size(), 0, peer.get(), &peer.size);
    if (size < 0) {
      return;
    }
    const auto answer =
        answer_dns({buffer.data(), static_cast<std::size_t>(size)}, health_->failing());
    if (answer) {
      // A full send buffer loses this answer, as the network may lose any: the client asks again.
      (void)::sendto(socket.fd.get(), answer->data(), answer->size(), 0, peer.get(), peer.size);
    }
  }
}

}  // namespace standin
