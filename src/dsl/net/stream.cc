#include "dsl/net/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

namespace dsl::net {

namespace {

// A read of fewer bytes has found the socket empty; OpenSSL's buffer holds one record and more.
constexpr std::uint64_t kRawReadFull = 16000;

}  // namespace

void Stream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Stream::Stream(env::UniqueFd fd) : fd_(std::move(fd)) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;

Result<void> Stream::attach(const tls::Context& context) {
  ssl_.reset(SSL_new(context.get()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_.get()) != 1) {
    ERR_clear_error();
    return fail(Code::kUnavailable, "no memory for a TLS connection");
  }
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
  SSL_set_read_ahead(ssl_.get(), 1);  // one read(2) for the head and the rest of a record
  return {};
}

Result<void> Stream::start_tls(const tls::Context& context) {
  MC_TRY(attach(context));
  SSL_set_accept_state(ssl_.get());
  return {};
}

Result<void> Stream::start_tls_client(const tls::Context& context, const std::string& name,
                                      const tls::Session& session) {
  MC_TRY(attach(context));
  tls::expect_name(*ssl_, name);
  if (session) {
    (void)SSL_set_session(ssl_.get(), session.get());  // refused: the handshake is a full one
  }
  SSL_set_connect_state(ssl_.get());
  return {};
}

Io Stream::handshake() {
  if (!ssl_ || SSL_is_init_finished(ssl_.get())) {
    return Io::kDone;
  }
  ERR_clear_error();
  return tls_outcome(SSL_do_handshake(ssl_.get()));
}

Io Stream::socket_outcome() {
  if (errno == EAGAIN || errno == EINTR) {
    return Io::kWantRead;
  }
  errno_ = errno;
  return Io::kFailed;
}

Io Stream::tls_outcome(int result) {
  if (result == 1) {
    return Io::kDone;
  }
  const int of_system = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Io::kEnd;
    case SSL_ERROR_SYSCALL:
      errno_ = of_system;
      broken_ = true;
      return Io::kFailed;
    default:
      tls_error_ = ERR_peek_last_error();
      ERR_clear_error();
      broken_ = true;
      return Io::kFailed;
  }
}

IoResult Stream::read(std::span<char> out) {
  if (ssl_) {
    return read_tls(out);
  }
  const ssize_t count = ::recv(fd_.get(), out.data(), out.size(), 0);
  if (count > 0) {
    const auto size = static_cast<std::size_t>(count);
    drained_ = size < out.size();
    return {Io::kDone, size};
  }
  return {count == 0 ? Io::kEnd : socket_outcome(), 0};
}

IoResult Stream::read_tls(std::span<char> out) {
  ERR_clear_error();
  std::size_t count = 0;
  const Io io = tls_outcome(SSL_read_ex(ssl_.get(), out.data(), out.size(), &count));
  const std::uint64_t raw = BIO_number_read(SSL_get_rbio(ssl_.get()));
  maybe_more_ = io == Io::kDone && (maybe_more_ || raw - raw_bytes_ >= kRawReadFull);
  raw_bytes_ = raw;
  drained_ = !maybe_more_ && SSL_has_pending(ssl_.get()) == 0;
  return {io, count};
}

IoResult Stream::write(std::string_view data) {
  if (ssl_) {
    ERR_clear_error();
    std::size_t count = 0;
    const Io io = tls_outcome(SSL_write_ex(ssl_.get(), data.data(), data.size(), &count));
    return {io, count};
  }
  const ssize_t count = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
  if (count >= 0) {
    return {Io::kDone, static_cast<std::size_t>(count)};
  }
  return {socket_outcome() == Io::kFailed ? Io::kFailed : Io::kWantWrite, 0};
}

IoResult Stream::peek(std::span<char> out) {
  const ssize_t count = ::recv(fd_.get(), out.data(), out.size(), MSG_PEEK);
  if (count > 0) {
    return {Io::kDone, static_cast<std::size_t>(count)};
  }
  return {count == 0 ? Io::kEnd : socket_outcome(), 0};
}

void Stream::discard(std::size_t count) {
  std::array<char, 512> dropped;
  while (count > 0) {
    const ssize_t got = ::recv(fd_.get(), dropped.data(), std::min(count, dropped.size()), 0);
    if (got <= 0) {
      return;  // not so after a peek that saw them
    }
    count -= static_cast<std::size_t>(got);
  }
}

void Stream::end_writing() {
  if (ssl_ && !broken_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());  // 0: sent, and the peer's is not waited for
  }
  (void)::shutdown(fd_.get(), SHUT_WR);  // the peer may be gone already
}

std::string Stream::failure() const {
  if (tls_error_ != 0) {
    const char* reason = ERR_reason_error_string(tls_error_);
    return reason != nullptr ? reason : text("OpenSSL's error {}", tls_error_);
  }
  return errno_ == 0 ? "connection closed" : std::strerror(errno_);
}

std::string Stream::distrust() const {
  if (!ssl_ || SSL_get_verify_mode(ssl_.get()) == SSL_VERIFY_NONE) {
    return "";
  }
  const long verdict = SSL_get_verify_result(ssl_.get());
  return verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict);
}

std::string Stream::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  if (ssl_) {
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  }
  return std::string(name, name + size);
}

bool Stream::is_resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }

tls::Session Stream::session() const {
  const SSL_SESSION* held = ssl_ ? SSL_get_session(ssl_.get()) : nullptr;
  if (held == nullptr || SSL_SESSION_is_resumable(held) != 1) {
    return nullptr;
  }
  // A copy: the library spoils its own when the connection is cut off.
  return {SSL_SESSION_dup(held), SSL_SESSION_free};
}

std::string Stream::client_name() const {
  if (!ssl_ || SSL_get_verify_result(ssl_.get()) != X509_V_OK) {
    return "";
  }
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) {
    return "";
  }
  const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  std::string name(static_cast<std::size_t>(std::max(0, BIO_pending(text.get()))), '\0');
  (void)BIO_read(text.get(), name.data(), static_cast<int>(name.size()));
  return name;
}

}  // namespace dsl::net
