#include "standin/connection.h"

#include <array>
#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace standin {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;  // one TLS record
constexpr int kRoundsMax = 16;                 // then the others get their turn
constexpr char kTlsHandshake = 22;             // RFC 8446 section 5.1: first byte of a client

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Connection::Connection(Fd fd, Kind kind, const Health& health, const TlsContext& tls, Time now)
    : fd_(std::move(fd)),
      kind_(kind),
      health_(health),
      context_(tls),
      wanted_(POLLIN),
      last_used_(now) {}

bool Connection::advance(Time now) {
  last_used_ = now;
  ready_ = false;
  for (int round = 0; round < kRoundsMax; ++round) {
    std::string in;
    Io io = Io::kDone;
    if (session_ == nullptr) {
      io = start();
    } else if (!out_.empty()) {
      io = write();
    } else if (closing_) {
      farewell();
      return false;
    } else {
      io = read(in);
    }

    if (io == Io::kWait) {
      return true;
    }
    if (io == Io::kEnd) {
      return false;
    }
    // Not while something waits to be sent: that is what bounds `out_`.
    if (session_ != nullptr && out_.empty() && !closing_) {
      closing_ = !session_->feed(in, out_);
    }
  }
  ready_ = true;
  return true;
}

// Finds out what to speak. Done without a session: look again, the kind is clearer now.
Connection::Io Connection::start() {
  switch (kind_) {
    case Kind::kHttps:
    case Kind::kGrpc:
      return handshake();
    case Kind::kDns:
      session_ = make_dns_session(health_);
      return Io::kDone;
    case Kind::kHttp:
      session_ = make_http_session(health_);
      return Io::kDone;
    case Kind::kTcp:
      session_ = make_tcp_session(health_);
      return Io::kDone;
    case Kind::kAuto:
      break;
  }
  if (health_.failing()) {
    return Io::kEnd;
  }
  char first = 0;
  const auto count = ::recv(fd(), &first, 1, MSG_PEEK);
  if (count < 0 && would_block()) {
    wanted_ = POLLIN;
    return Io::kWait;
  }
  if (count <= 0) {
    return Io::kEnd;
  }
  kind_ = first == kTlsHandshake ? Kind::kHttps : Kind::kHttp;
  return Io::kDone;
}

Connection::Io Connection::handshake() {
  if (tls_ == nullptr) {
    tls_.reset(SSL_new(context_.get()));
    if (tls_ == nullptr || SSL_set_fd(tls_.get(), fd()) != 1) {
      return Io::kEnd;
    }
  }
  ERR_clear_error();
  if (const auto io = tls_result(SSL_accept(tls_.get())); io != Io::kDone) {
    return io;
  }
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls_.get(), &protocol, &size);
  session_ = size == 2 ? make_h2_session(health_) : make_http_session(health_);
  return Io::kDone;
}

Connection::Io Connection::read(std::string& in) {
  std::array<char, kReadBytes> buffer;
  if (tls_ != nullptr) {
    ERR_clear_error();
    const int count = SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (count > 0) {
      in.assign(buffer.data(), static_cast<std::size_t>(count));
    }
    return tls_result(count);
  }
  const auto count = ::recv(fd(), buffer.data(), buffer.size(), 0);
  if (count < 0 && would_block()) {
    wanted_ = POLLIN;
    return Io::kWait;
  }
  if (count <= 0) {
    return Io::kEnd;
  }
  in.assign(buffer.data(), static_cast<std::size_t>(count));
  return Io::kDone;
}

Connection::Io Connection::write() {
  if (tls_ != nullptr) {
    ERR_clear_error();
    const int size = static_cast<int>(std::min(out_.size(), kReadBytes));
    const int count = SSL_write(tls_.get(), out_.data(), size);
    if (count > 0) {
      out_.erase(0, static_cast<std::size_t>(count));
    }
    return tls_result(count);
  }
  const auto count = ::send(fd(), out_.data(), out_.size(), MSG_NOSIGNAL);
  if (count < 0) {
    wanted_ = POLLOUT;
    return would_block() ? Io::kWait : Io::kEnd;
  }
  out_.erase(0, static_cast<std::size_t>(count));
  return Io::kDone;
}

Connection::Io Connection::tls_result(int result) {
  if (result > 0) {
    return Io::kDone;
  }
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wanted_ = POLLIN;
      return Io::kWait;
    case SSL_ERROR_WANT_WRITE:
      wanted_ = POLLOUT;
      return Io::kWait;
    default:
      return Io::kEnd;
  }
}

// The last answer was sent. What the peer still sends is dropped, or the kernel would answer it
// with a reset that may overtake our answer.
void Connection::farewell() {
  if (tls_ != nullptr) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
  }
  ::shutdown(fd(), SHUT_WR);
  std::array<char, kReadBytes> dropped;
  for (int round = 0; round<kRoundsMax&& ::recv(fd(), dropped.data(), dropped.size(), 0)> 0;
       ++round) {
  }
}

}  // namespace standin
