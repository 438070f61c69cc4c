#include "dsl/http/deadline_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "dsl/env/env.h"
#include "dsl/env/socket_address.h"
#include "dsl/net/listen.h"

namespace dsl::http {

namespace {

constexpr std::chrono::milliseconds kAskEvery{200};

std::string describe(const Target& target) {
  return target.kind == Target::Kind::kUnix ? target.address
                                            : env::join_host_port(target.address, target.port);
}

Result<env::SocketAddress> address_of(const Target& target) {
  return target.kind == Target::Kind::kUnix
             ? env::unix_socket_address(target.address)
             : env::parse_socket_address(env::join_host_port(target.address, target.port));
}

}  // namespace

Deadline now() { return env::system_env().clock().mono_now(); }

AbortSignal::AbortSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  MC_ASSERT(fd_, "eventfd: out of descriptors");
}

void AbortSignal::raise() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it is raised already.
  (void)!::write(fd_.get(), &one, sizeof one);
}

bool AbortSignal::raised() const {
  pollfd entry{fd_.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

DeadlineStream::DeadlineStream(env::UniqueFd fd, const AbortSignal& abort)
    : stream_(std::move(fd)), abort_(abort) {}

DeadlineStream::~DeadlineStream() = default;

Result<std::unique_ptr<DeadlineStream>> DeadlineStream::connect(const Target& target,
                                                                const Patience& patience,
                                                                const AbortSignal& abort) {
  MC_ASSIGN(const env::SocketAddress address, address_of(target));
  env::UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return fail(Code::kUnavailable, "socket: {}", std::strerror(errno));
  }
  if (target.kind != Target::Kind::kUnix) {
    const int on = 1;
    // Small requests must not wait for the acknowledgement of the one before. Advisory.
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  std::unique_ptr<DeadlineStream> stream(new DeadlineStream(std::move(fd), abort));

  const int fd_number = stream->stream_.fd();
  int error = ::connect(fd_number, address.raw(), address.size) == 0 ? 0 : errno;
  // A unix socket whose backlog is full says EAGAIN and gives nothing to wait for: try again.
  while (error == EAGAIN && target.kind == Target::Kind::kUnix) {
    pollfd entry{abort.fd(), POLLIN, 0};
    (void)::poll(&entry, 1, 5);
    if (abort.raised()) {
      return fail(Code::kCancelled, "aborted");
    }
    if (now() >= patience.deadline) {
      return fail(Code::kDeadlineExceeded, "{} does not accept connections", describe(target));
    }
    error = ::connect(fd_number, address.raw(), address.size) == 0 ? 0 : errno;
  }
  if (error == EINPROGRESS || error == EINTR) {
    MC_TRY(with_context(stream->wait(POLLOUT, patience), text("connect {}", describe(target))));
    socklen_t size = sizeof error;
    if (::getsockopt(fd_number, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
      error = errno;
    }
  }
  if (error != 0) {
    return fail(Code::kUnavailable, "connect {}: {}", describe(target), std::strerror(error));
  }
  if (target.kind == Target::Kind::kTls) {
    MC_TRY(stream->start_tls(target, patience));
  }
  return stream;
}

Result<void> DeadlineStream::wait(short events, const Patience& patience) {
  while (true) {
    const auto time = now();
    if (time >= patience.deadline) {
      return fail(Code::kDeadlineExceeded, "no progress in time");
    }
    int timeout_ms = -1;
    if (patience.deadline != Deadline::max()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(patience.deadline - time).count();
      timeout_ms = static_cast<int>(std::min<std::int64_t>(left, 3'600'000));
    }
    if (patience.keep_waiting) {
      const int ask = static_cast<int>(kAskEvery.count());
      timeout_ms = timeout_ms < 0 ? ask : std::min(timeout_ms, ask);
    }
    pollfd entries[2] = {{stream_.fd(), events, 0}, {abort_.fd(), POLLIN, 0}};
    const int ready = ::poll(entries, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) {
      return fail(Code::kUnavailable, "poll: {}", std::strerror(errno));
    }
    if (ready > 0 && entries[1].revents != 0) {
      return fail(Code::kCancelled, "aborted");
    }
    if (ready > 0 && entries[0].revents != 0) {
      return {};
    }
    if (patience.keep_waiting && !patience.keep_waiting()) {
      return fail(Code::kCancelled, "stopped by the caller");
    }
  }
}

Result<std::size_t> DeadlineStream::read_some(std::span<char> out, const Patience& patience) {
  if (abort_.raised()) {
    return fail(Code::kCancelled, "aborted");
  }
  // A peer that never lets us wait must not outlast the deadline either.
  if (now() >= patience.deadline) {
    return fail(Code::kDeadlineExceeded, "no end in time");
  }
  while (true) {
    const net::IoResult result = stream_.read(out);
    if (result.io == net::Io::kDone) {
      return result.count;
    }
    if (result.io == net::Io::kEnd) {
      return std::size_t{0};
    }
    MC_TRY(wait_for(result.io, "read", patience));
  }
}

Result<void> DeadlineStream::write_all(std::string_view data, const Patience& patience) {
  while (!data.empty()) {
    const net::IoResult result = stream_.write(data);
    if (result.io != net::Io::kDone) {
      MC_TRY(wait_for(result.io, "write", patience));
    }
    data.remove_prefix(result.count);
  }
  return {};
}

bool DeadlineStream::is_stale() {
  char byte = 0;
  const net::IoResult result = stream_.peek({&byte, 1});
  // TLS 1.3 peers send session tickets unasked; only an end of stream is a bad sign there.
  return result.io == net::Io::kDone ? !stream_.is_tls() : result.io != net::Io::kWantRead;
}

Result<void> DeadlineStream::start_tls(const Target& target, const Patience& patience) {
  net::ignore_sigpipe();
  MC_ASSIGN(const tls::Context context,
            tls::client_context(env::system_env(),
                                {.ca_file = target.ca_file, .verify = !target.ca_file.empty()}));
  const std::string& name = target.server_name.empty() ? target.address : target.server_name;
  MC_TRY(stream_.start_tls_client(context, name));
  while (true) {
    const net::Io io = stream_.handshake();
    if (io == net::Io::kDone) {
      return {};
    }
    if (const std::string why = stream_.distrust(); io == net::Io::kFailed && !why.empty()) {
      return fail(Code::kUnavailable, "certificate of {} is not trusted for {}: {}",
                  describe(target), name, why)
          .hint("compare the names in the certificate and the CA file");
    }
    MC_TRY(
        with_context(wait_for(io, "handshake", patience), text("TLS with {}", describe(target))));
  }
}

Result<void> DeadlineStream::wait_for(net::Io io, std::string_view what, const Patience& patience) {
  if (io == net::Io::kWantRead || io == net::Io::kWantWrite) {
    return wait(io == net::Io::kWantRead ? POLLIN : POLLOUT, patience);
  }
  return fail(Code::kUnavailable, "{}: {}", what, stream_.failure());
}

}  // namespace dsl::http
