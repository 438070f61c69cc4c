#include "mcp/boot/probe_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace mcp::boot {

namespace {

using dsl::Code;
using dsl::fail;

dsl::Failure system_failure(int error) {
  switch (error) {
    case ECONNREFUSED:
      return fail(Code::kUnavailable, "refused");
    case ECONNRESET:
    case EPIPE:
      return fail(Code::kUnavailable, "closed by the other side");
    default:
      return fail(Code::kUnavailable, "{}", std::generic_category().message(error));
  }
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<SocketAddress> address_of(const Endpoint& endpoint) {
  SocketAddress address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, endpoint.ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    address.size = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
  } else if (inet_pton(AF_INET6, endpoint.ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    address.size = sizeof v6;
    std::memcpy(&address.storage, &v6, sizeof v6);
  } else {
    return fail(Code::kInvalidArgument, "\"{}\" is no literal address", endpoint.ip);
  }
  return address;
}

}  // namespace

Result<ProbeSocket> ProbeSocket::connect(dsl::env::Clock& clock, Kind kind,
                                         const Endpoint& endpoint, dsl::env::MonoTime deadline) {
  MC_ASSIGN(const SocketAddress address, address_of(endpoint));
  const int type = kind == Kind::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  dsl::env::UniqueFd fd(
      ::socket(address.storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return system_failure(errno);
  }
  ProbeSocket socket(clock, std::move(fd));
  if (::connect(socket.fd_.get(), address.get(), address.size) != 0) {
    if (errno != EINPROGRESS) {
      return system_failure(errno);
    }
    MC_TRY(socket.wait(POLLOUT, deadline));
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(socket.fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      return system_failure(error);
    }
  }
  return socket;
}

Result<void> ProbeSocket::write(std::string_view bytes, dsl::env::MonoTime deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      MC_TRY(wait(POLLOUT, deadline));
    } else if (errno != EINTR) {
      return system_failure(errno);
    }
  }
  return {};
}

Result<std::string> ProbeSocket::read(std::size_t bytes_max, dsl::env::MonoTime deadline) {
  std::string bytes(bytes_max, '\0');
  while (true) {
    MC_TRY(wait(POLLIN, deadline));
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (got >= 0) {
      bytes.resize(static_cast<std::size_t>(got));
      return bytes;
    }
    if (errno != EINTR && errno != EAGAIN) {
      return system_failure(errno);
    }
  }
}

Result<std::string> ProbeSocket::read_exactly(std::size_t count, dsl::env::MonoTime deadline) {
  std::string bytes;
  while (bytes.size() < count) {
    MC_ASSIGN(const std::string more, read(count - bytes.size(), deadline));
    if (more.empty()) {
      return fail(Code::kUnavailable, "closed by the other side");
    }
    bytes += more;
  }
  return bytes;
}

// The clock only says how long to wait. When that much real time has gone by, it is over, whatever
// the clock says then: so the probe works under a clock that stands still.
Result<void> ProbeSocket::wait(short events, dsl::env::MonoTime deadline) const {
  pollfd entry{fd_.get(), events, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_->mono_now());
    const int timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3600000));
    const int ready = ::poll(&entry, 1, timeout_ms);
    if (ready > 0) {
      return {};
    }
    if (ready == 0) {
      return fail(Code::kDeadlineExceeded, "no answer in time");
    }
    if (errno != EINTR) {
      return system_failure(errno);
    }
  }
}

}  // namespace mcp::boot
