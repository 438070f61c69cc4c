#include "mcns/forward/tcp_line.h"

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
#include "mcns/wire/octets.h"

namespace mcns {

namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

// RFC 7766 section 6.2.3: seconds; a server is to keep it no longer than it wants.
constexpr std::chrono::seconds kIdleMax{8};
constexpr std::size_t kReadSize = 16384;
constexpr int kReadsMax = 16;  // in a row: others have waited too
constexpr std::size_t kLengthSize = 2;

}  // namespace

TcpLine::TcpLine(dsl::net::Loop& loop, const dsl::env::SocketAddress& upstream, RandomPool& random,
                 std::chrono::milliseconds patience, ChannelEvents& events,
                 std::optional<TlsPeer> peer)
    : loop_(loop),
      upstream_(upstream),
      random_(random),
      patience_(patience),
      events_(events),
      peer_(std::move(peer)),
      timer_(loop, [this] { timed_out(); }) {
  if (peer_) {
    dsl::net::ignore_sigpipe();
  }
}

TcpLine::~TcpLine() {
  if (stream_) {
    loop_.remove(stream_->fd());
  }
}

Result<std::uint16_t> TcpLine::send(Attempt attempt, const Packet& packet) {
  if (state_ == State::kClosed) {
    MC_TRY(connect());
  }
  // Not written at once: that may fail, and whoever is told about it does not know this attempt
  // yet.
  if (state_ == State::kOpen) {
    watch(true);
  }
  if (state_ == State::kLost) {
    return fail(Code::kUnavailable, "the connection to an upstream is lost");
  }
  const auto id = outstanding_.add(attempt, packet, random_);
  if (!id) {
    return fail(Code::kUnavailable, "too many questions are under way");
  }
  std::array<char, kLengthSize> length{};
  write16(length.data(), static_cast<std::uint16_t>(packet->size()));
  output_.append(length.data(), length.size());
  output_ += with_id(packet, *id);
  return *id;
}

void TcpLine::doubt(dsl::env::MonoTime sent_at) {
  if (state_ == State::kOpen && heard_at_ < sent_at) {
    close("it has fallen silent");
  }
}

void TcpLine::trust(const dsl::tls::Context& context) {
  if (peer_->context == context) {
    return;
  }
  peer_->context = context;
  if (stream_) {
    close("other authorities are trusted now");
  }
  session_.reset();
}

Result<void> TcpLine::connect() {
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
  return {};
}

void TcpLine::on_ready(std::uint32_t events) {
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

void TcpLine::connected() {
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
void TcpLine::shake_hands() {
  switch (stream_->handshake()) {
    case dsl::net::Io::kDone:
      state_ = State::kOpen;
      heard_at_ = loop_.now();
      timer_.set(loop_.now() + kIdleMax);
      return;
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

bool TcpLine::read_some() {
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
  input_.append(buffer.data(), got.count);
  take_messages();
  return state_ == State::kOpen && !stream_->drained();
}

void TcpLine::take_messages() {
  // Whoever is told may ask anew over this line, and that may end the connection.
  const Bytes input = std::exchange(input_, {});
  std::string_view rest = input;
  while (rest.size() >= kLengthSize && rest.size() - kLengthSize >= read16(rest, 0)) {
    const std::string_view message = rest.substr(kLengthSize, read16(rest, 0));
    rest.remove_prefix(kLengthSize + message.size());
    if (const auto taken = outstanding_.take(message)) {
      keep_session();
      events_.on_message(taken->attempt, message);
    }
  }
  if (state_ == State::kOpen) {
    input_ = rest;
  }
}

// With the first answer: what there is to take up came before it, and is lost with a connection
// that is cut off.
void TcpLine::keep_session() {
  if (!has_answered_) {
    session_ = stream_->session();
  }
  has_answered_ = true;
}

void TcpLine::flush() {
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
  }
  // What TLS holds makes no event: a socket that can be written to does.
  watch(!output_.empty() || has_more_);
}

void TcpLine::watch(bool writing) {
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

void TcpLine::close(const std::string& why) {
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
  input_.clear();
  const std::vector<Attempt> attempts = outstanding_.take_all();
  if (!attempts.empty()) {
    events_.on_broken(attempts, stale, why);
  }
}

void TcpLine::timed_out() {
  if (state_ == State::kOpen && !outstanding_.empty()) {
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
