#include "dsl/http/deadline_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dsl/env/env.h"

namespace dsl::http {

namespace {

constexpr std::chrono::milliseconds kAskEvery{200};

std::string describe(const Target& target) {
  return target.kind == Target::Kind::kUnix ? target.address
                                            : text("{}:{}", target.address, target.port);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> unix_address(const std::string& path) {
  Address address;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof un.sun_path) {
    return fail(Code::kInvalidArgument, "unix socket path '{}' has {} bytes", path, path.size())
        .hint(text("the kernel allows 1 to {}", sizeof un.sun_path - 1));
  }
  std::memcpy(un.sun_path, path.data(), path.size());
  std::memcpy(&address.storage, &un, sizeof un);
  address.size = sizeof un;
  return address;
}

Result<Address> ip_address(const std::string& literal, std::uint16_t port) {
  Address address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, literal.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, literal.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  } else {
    return fail(Code::kInvalidArgument, "'{}' is not an IP address", literal)
        .hint("names are resolved by the caller");
  }
  return address;
}

std::string tls_reason() {
  const unsigned long number = ERR_get_error();
  char buffer[256];
  ERR_error_string_n(number, buffer, sizeof buffer);
  ERR_clear_error();
  return number == 0 ? std::string("connection closed") : std::string(buffer);
}

// OpenSSL writes to the descriptor with write(2), which no flag keeps from raising SIGPIPE.
void ignore_sigpipe() {
  struct sigaction current {};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
    current.sa_handler = SIG_IGN;
    (void)::sigaction(SIGPIPE, &current, nullptr);
  }
}

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

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

struct DeadlineStream::Tls {
  std::unique_ptr<SSL_CTX, ContextFree> context;
  std::unique_ptr<SSL, SslFree> ssl;
};

DeadlineStream::DeadlineStream(env::UniqueFd fd, const AbortSignal& abort)
    : fd_(std::move(fd)), abort_(abort) {}

DeadlineStream::~DeadlineStream() = default;

Result<std::unique_ptr<DeadlineStream>> DeadlineStream::connect(const Target& target,
                                                                const Patience& patience,
                                                                const AbortSignal& abort) {
  MC_ASSIGN(const Address address, target.kind == Target::Kind::kUnix
                                       ? unix_address(target.address)
                                       : ip_address(target.address, target.port));
  env::UniqueFd fd(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return fail(Code::kUnavailable, "socket: {}", std::strerror(errno));
  }
  if (target.kind != Target::Kind::kUnix) {
    const int on = 1;
    // Small requests must not wait for the acknowledgement of the one before. Advisory.
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  std::unique_ptr<DeadlineStream> stream(new DeadlineStream(std::move(fd), abort));

  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  int error = ::connect(stream->fd_.get(), raw, address.size) == 0 ? 0 : errno;
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
    error = ::connect(stream->fd_.get(), raw, address.size) == 0 ? 0 : errno;
  }
  if (error == EINPROGRESS || error == EINTR) {
    MC_TRY(with_context(stream->wait(POLLOUT, patience), text("connect {}", describe(target))));
    socklen_t size = sizeof error;
    if (::getsockopt(stream->fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
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
    pollfd entries[2] = {{fd_.get(), events, 0}, {abort_.fd(), POLLIN, 0}};
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
    if (tls_) {
      std::size_t count = 0;
      const int result = SSL_read_ex(tls_->ssl.get(), out.data(), out.size(), &count);
      if (result != 1 && SSL_get_error(tls_->ssl.get(), result) == SSL_ERROR_ZERO_RETURN) {
        return std::size_t{0};
      }
      MC_ASSIGN(const bool done, finish_tls_step(result, "read", patience));
      if (done) {
        return count;
      }
      continue;
    }
    const ssize_t count = ::recv(fd_.get(), out.data(), out.size(), 0);
    if (count >= 0) {
      return static_cast<std::size_t>(count);
    }
    if (errno != EAGAIN && errno != EINTR) {
      return fail(Code::kUnavailable, "read: {}", std::strerror(errno));
    }
    MC_TRY(wait(POLLIN, patience));
  }
}

Result<void> DeadlineStream::write_all(std::string_view data, const Patience& patience) {
  while (!data.empty()) {
    std::size_t count = 0;
    if (tls_) {
      const int result = SSL_write_ex(tls_->ssl.get(), data.data(), data.size(), &count);
      MC_ASSIGN(const bool done, finish_tls_step(result, "write", patience));
      if (!done) {
        continue;
      }
    } else {
      const ssize_t sent = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
          return fail(Code::kUnavailable, "write: {}", std::strerror(errno));
        }
        MC_TRY(wait(POLLOUT, patience));
        continue;
      }
      count = static_cast<std::size_t>(sent);
    }
    data.remove_prefix(count);
  }
  return {};
}

bool DeadlineStream::is_stale() {
  char byte = 0;
  const ssize_t count = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) {
    return errno != EAGAIN && errno != EINTR;
  }
  // TLS 1.3 peers send session tickets unasked; only an end of stream is a bad sign there.
  return count == 0 || !tls_;
}

Result<void> DeadlineStream::start_tls(const Target& target, const Patience& patience) {
  ignore_sigpipe();
  tls_ = std::make_unique<Tls>();
  tls_->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = tls_->context.get();
  MC_ASSERT(context != nullptr, "SSL_CTX_new: out of memory");
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // The platform speaks 1.3 only; a foreign peer that we cannot verify may be older.
  SSL_CTX_set_min_proto_version(context, target.ca_file.empty() ? TLS1_2_VERSION : TLS1_3_VERSION);
  if (!target.ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context, target.ca_file.c_str()) != 1) {
      return fail(Code::kFailedPrecondition, "cannot read CA certificates from {}: {}",
                  target.ca_file, tls_reason());
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }

  tls_->ssl.reset(SSL_new(context));
  SSL* ssl = tls_->ssl.get();
  MC_ASSERT(ssl != nullptr && SSL_set_fd(ssl, fd_.get()) == 1, "SSL_new: out of memory");
  const std::string& name = target.server_name.empty() ? target.address : target.server_name;
  const bool literal = ip_address(name, 0).has_value();
  if (literal) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
  } else {
    SSL_set1_host(ssl, name.c_str());
    // SSL_set_tlsext_host_name, spelt out: the macro has a C cast.
    std::string sni = name;
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sni.data());
  }

  while (true) {
    const int result = SSL_connect(ssl);
    auto done = finish_tls_step(result, "handshake", patience);
    if (!done) {
      const long verdict = SSL_get_verify_result(ssl);
      if (!target.ca_file.empty() && verdict != X509_V_OK) {
        return fail(Code::kUnavailable, "certificate of {} is not trusted for {}: {}",
                    describe(target), name, X509_verify_cert_error_string(verdict))
            .hint("compare the names in the certificate and the CA file");
      }
      return fail(std::move(done).error()).context(text("TLS with {}", describe(target)));
    }
    if (*done) {
      return {};
    }
  }
}

Result<bool> DeadlineStream::finish_tls_step(int result, std::string_view what,
                                             const Patience& patience) {
  if (result == 1) {
    return true;
  }
  const int saved_errno = errno;
  switch (SSL_get_error(tls_->ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      MC_TRY(wait(POLLIN, patience));
      return false;
    case SSL_ERROR_WANT_WRITE:
      MC_TRY(wait(POLLOUT, patience));
      return false;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      return fail(Code::kUnavailable, "TLS {}: {}", what,
                  saved_errno == 0 ? "connection closed" : std::strerror(saved_errno));
    default:
      return fail(Code::kUnavailable, "TLS {}: {}", what, tls_reason());
  }
}

}  // namespace dsl::http
