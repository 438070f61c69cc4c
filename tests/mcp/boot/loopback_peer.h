// A socket on loopback that a test's function serves, for peers that misbehave byte for byte.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "dsl/env/unique_fd.h"
#include "mcp/boot/gate.h"

namespace mcp::boot::testing {

// Serves one connection after another, or one datagram after another, until destroyed.
class LoopbackPeer {
 public:
  // TCP: `serve` gets each accepted socket; it is closed when `serve` returns.
  static LoopbackPeer tcp(std::function<void(int fd)> serve, const std::string& ip = "127.0.0.1") {
    return LoopbackPeer(SOCK_STREAM, ip, 0, [serve = std::move(serve)](int listener) {
      const dsl::env::UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
      serve(fd.get());
    });
  }
  // UDP: `answer` makes the replies to each datagram.
  static LoopbackPeer udp(std::function<std::vector<std::string>(std::string_view)> answer,
                          std::uint16_t port = 0) {
    return LoopbackPeer(SOCK_DGRAM, "127.0.0.1", port, [answer = std::move(answer)](int fd) {
      char packet[4096];
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      auto* address = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got = ::recvfrom(fd, packet, sizeof packet, 0, address, &size);
      if (got < 0) {
        return;
      }
      for (const std::string& reply : answer({packet, static_cast<std::size_t>(got)})) {
        (void)::sendto(fd, reply.data(), reply.size(), 0, address, size);
      }
    });
  }

  ~LoopbackPeer() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    thread_.join();
  }

  const Endpoint& endpoint() const { return endpoint_; }

  // A port on which nobody listens: bound for a moment, then free.
  static Endpoint dead_port() {
    Endpoint endpoint{"127.0.0.1", 0};
    (void)bound(SOCK_STREAM, endpoint);
    return endpoint;
  }

 private:
  LoopbackPeer(int type, const std::string& ip, std::uint16_t port, std::function<void(int)> serve)
      : endpoint_{ip, port}, socket_(bound(type, endpoint_)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    if (type == SOCK_STREAM) {
      MC_ASSERT(::listen(socket_.get(), 8) == 0, "listen on loopback");
    }
    thread_ = std::thread([fd = socket_.get(), stop = stop_.get(), serve = std::move(serve)] {
      while (true) {
        pollfd entries[] = {{fd, POLLIN, 0}, {stop, POLLIN, 0}};
        (void)::poll(entries, 2, -1);
        if (entries[1].revents != 0) {
          return;
        }
        serve(fd);
      }
    });
  }

  static dsl::env::UniqueFd bound(int type, Endpoint& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    inet_pton(AF_INET, endpoint.ip.c_str(), &address.sin_addr);
    dsl::env::UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    MC_ASSERT(::bind(fd.get(), raw, size) == 0 && ::getsockname(fd.get(), raw, &size) == 0,
              "bind on loopback");
    endpoint.port = ntohs(address.sin_port);
    return fd;
  }

  Endpoint endpoint_;
  dsl::env::UniqueFd socket_;
  dsl::env::UniqueFd stop_;
  std::thread thread_;
};

// Waits until the other side of `fd` closes, 10 s at most.
inline void wait_closed(int fd) {
  char piece[512];
  pollfd entry{fd, POLLIN, 0};
  while (::poll(&entry, 1, 10000) == 1 && ::recv(fd, piece, sizeof piece, 0) > 0) {
  }
}

}  // namespace mcp::boot::testing
