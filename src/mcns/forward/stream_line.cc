#include "mcns/forward/stream_line.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/unique_fd.h"
#include "dsl/net/listen.h"
#include "dsl/result/text.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

// RFC 7766 section 6.2.3: seconds; a server is to keep it no longer than it wants.
constexpr std::chrono::seconds kIdleMax{8};
constexpr std::size_t kReadSize = 16384;
constexpr int kReadsMax = 16;  // in a row: others have waited too

}  // namespace

StreamLine::StreamLine(Place place, ChannelEvents& events)
    : loop_(place.loop),
      upstream_(place.upstream),
      patience_(place.patience),
      events_(events),
      peer_(std::move(place.peer)),
      timer_(place.loop, [this] { timed_out(); }) {
  if (peer_) {
    dsl::net::ignore_sigpipe();
  }
}

StreamLine::~StreamLine() {
  if (stream_) {
    loop_.remove(stream_->fd());
  }
}

Result<void> StreamLine::prepare() {
  if (state_ == State::kClosed) {
    MC_TRY(connect());
  }
  if (state_ == State::kLost) {
    return fail(Code::kUnavailable, "the connection to an upstream is lost");
  }
  return {};
}

void StreamLine::want_write() {
  if (state_ == State::kOpen) {
    watch(true);
  }
}

void StreamLine::doubt(dsl::env::MonoTime sent_at) {
  if (state_ == State::kOpen && heard_at_ < sent_at) {
    close("it has fallen silent");
  }
}

void StreamLine::trust(const dsl::tls::Context& context) {
  if (peer_->context == context) {
    return;
  }
  peer_->context = context;
  if (stream_) {
    close("other authorities are trusted now");
  }
  session_.reset();
}

Result<void> StreamLine::connect() {
  dsl::env::UniqueFd fd(
      ::socket(upstream_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || (::connect(fd.get(), upstream_.raw(), upstream_.size) != 0 && errno != EINPROGRESS)) {
    return fail(dsl::env::errno_error(errno, "connect to", dsl::env::to_text(upstream_)));
  }
  const int on = 1;
  // Only a hint: without it answers come later.
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  MC_TRY(loop_.add(fd.get(), EPOLLIN | EPOLLOUT, *this));
  stream_.emplace(std::move(fd));
  writing_ = true;
  state_ = State::kConnecting;
  has_answered_ = false;
  timer_.set(loop_.now() + patience_);
  begin();
  return {};
}

void StreamLine::on_ready(std::uint32_t events) {
  if (state_ == State::kConnecting) {
    connected();
  }
  if (state_ == State::kHandshake) {
    shake_hands();
  }
  // TLS may hold what the socket has not any more.
  const bool readable = peer_.has_value() || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  has_more_ = readable;
  for (int i = 0; has_more_ && i < kReadsMax && state_ == State::kOpen; ++i) {
    has_more_ = read_some();
  }
  if (state_ == State::kOpen) {
    flush();
  }
}

void StreamLine::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(stream_->fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    close(std::strerror(error));
    return;
  }
  state_ = State::kHandshake;
  if (peer_) {
    // RFC 8446 appendix C.4: a session is taken up once.
    const auto started =
        stream_->start_tls_client(peer_->context, peer_->name, std::exchange(session_, nullptr));
    if (!started) {
      close(started.error().message());
    }
  }
}

// At once for plain TCP.
void StreamLine::shake_hands() {
  switch (stream_->handshake()) {
    case dsl::net::Io::kDone: {
      state_ = State::kOpen;
      heard_at_ = loop_.now();
      timer_.set(loop_.now() + kIdleMax);
      if (const auto usable = opened(); !usable) {
        close(usable.error().message());
      }
      return;
    }
    case dsl::net::Io::kWantRead:
      watch(false);
      return;
    case dsl::net::Io::kWantWrite:
      watch(true);
      return;
    default:
      break;
  }
  const std::string distrust = stream_->distrust();
  close(distrust.empty() ? dsl::text("no TLS: {}", stream_->failure())
                         : dsl::text("its certificate is not trusted: {}", distrust));
}

bool StreamLine::read_some() {
  std::array<char, kReadSize> buffer;
  const dsl::net::IoResult got = stream_->read(buffer);
  if (got.io == dsl::net::Io::kWantRead || got.io == dsl::net::Io::kWantWrite) {
    return false;
  }
  if (got.io != dsl::net::Io::kDone) {
    close(got.io == dsl::net::Io::kEnd ? "it closed the connection" : stream_->failure());
    return false;
  }
  heard_at_ = loop_.now();
  timer_.set(loop_.now() + kIdleMax);
  take({buffer.data(), got.count});
  return state_ == State::kOpen && !stream_->drained();
}

// With the first answer: what there is to take up came before it, and is lost with a connection
// that is cut off.
void StreamLine::answered() {
  if (!has_answered_ && stream_) {
    session_ = stream_->session();
  }
  has_answered_ = true;
}

void StreamLine::flush() {
  produce(output_);
  while (!output_.empty()) {
    const dsl::net::IoResult put = stream_->write(output_);
    if (put.io == dsl::net::Io::kWantRead || put.io == dsl::net::Io::kWantWrite) {
      break;
    }
    if (put.io != dsl::net::Io::kDone) {
      close(stream_->failure());
      return;
    }
    output_.erase(0, put.count);
    if (output_.empty()) {
      produce(output_);
    }
  }
  // What TLS holds makes no event: a socket that can be written to does.
  watch(!output_.empty() || has_more_);
}

void StreamLine::watch(bool writing) {
  if (writing == writing_ || (state_ != State::kOpen && state_ != State::kHandshake)) {
    return;
  }
  writing_ = writing;
  loop_.remove(stream_->fd());
  if (!loop_.add(stream_->fd(), writing ? EPOLLIN | EPOLLOUT : EPOLLIN, *this)) {
    state_ = State::kLost;
    timer_.set(loop_.now());
  }
}

void StreamLine::close(const std::string& why) {
  const bool stale = has_answered_;
  if (stream_) {
    loop_.remove(stream_->fd());
    if (state_ == State::kOpen) {
      stream_->end_writing();
    }
    stream_.reset();
  }
  state_ = State::kClosed;
  timer_.set(dsl::env::MonoTime::max());
  writing_ = false;
  output_.clear();
  ended();
  const std::vector<Attempt> attempts = take_all();
  if (!attempts.empty()) {
    events_.on_broken(attempts, stale, why);
  }
}

void StreamLine::timed_out() {
  if (state_ == State::kOpen && is_waiting()) {
    timer_.set(loop_.now() + kIdleMax);  // whoever waits decides how long
    return;
  }
  switch (state_) {
    case State::kConnecting:
      close("no connection in time");
      return;
    case State::kHandshake:
      close("no TLS in time");
      return;
    default:
      close("it was lost");
  }
}

}  // namespace mcns
