#include "mcns/forward/tcp_line.h"

#include <array>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dsl/env/errno_error.h"
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
                 std::chrono::milliseconds connect_timeout, ChannelEvents& events)
    : loop_(loop),
      upstream_(upstream),
      random_(random),
      connect_timeout_(connect_timeout),
      events_(events),
      timer_(loop, [this] { timed_out(); }) {}

TcpLine::~TcpLine() {
  if (fd_) {
    loop_.remove(fd_.get());
  }
}

Result<std::uint16_t> TcpLine::send(Attempt attempt, const Packet& packet) {
  if (state_ == State::kClosed) {
    MC_TRY(connect());
  }
  // Not written at once: that may fail, and whoever is told about it does not know this attempt
  // yet.
  watch(true);
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
    close();
  }
}

Result<void> TcpLine::connect() {
  fd_ = dsl::env::UniqueFd(
      ::socket(upstream_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_ ||
      (::connect(fd_.get(), upstream_.raw(), upstream_.size) != 0 && errno != EINPROGRESS)) {
    const int error = errno;
    fd_.reset();
    return fail(dsl::env::errno_error(error, "connect to", dsl::env::to_text(upstream_)));
  }
  const int on = 1;
  // Only a hint: without it answers come later.
  (void)::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (auto added = loop_.add(fd_.get(), EPOLLIN | EPOLLOUT, *this); !added) {
    fd_.reset();
    return tl::unexpected(std::move(added).error());
  }
  writing_ = true;
  state_ = State::kConnecting;
  has_answered_ = false;
  timer_.set(loop_.now() + connect_timeout_);
  return {};
}

void TcpLine::on_ready(std::uint32_t events) {
  if (state_ == State::kConnecting) {
    connected();
  }
  const bool readable = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  for (int i = 0; readable && i < kReadsMax && state_ == State::kOpen && read_some(); ++i) {
  }
  if (state_ == State::kOpen) {
    flush();
  }
}

void TcpLine::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    close();
    return;
  }
  state_ = State::kOpen;
  heard_at_ = loop_.now();
  timer_.set(loop_.now() + kIdleMax);
}

bool TcpLine::read_some() {
  std::array<char, kReadSize> buffer;
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return false;
  }
  if (size <= 0) {
    close();
    return false;
  }
  heard_at_ = loop_.now();
  timer_.set(loop_.now() + kIdleMax);
  input_.append(buffer.data(), static_cast<std::size_t>(size));
  take_messages();
  return true;
}

void TcpLine::take_messages() {
  // Whoever is told may ask anew over this line, and that may end the connection.
  const Bytes input = std::exchange(input_, {});
  std::string_view rest = input;
  while (rest.size() >= kLengthSize && rest.size() - kLengthSize >= read16(rest, 0)) {
    const std::string_view message = rest.substr(kLengthSize, read16(rest, 0));
    rest.remove_prefix(kLengthSize + message.size());
    if (const auto attempt = outstanding_.take(message)) {
      has_answered_ = true;
      events_.on_message(*attempt, message);
    }
  }
  if (state_ == State::kOpen) {
    input_ = rest;
  }
}

void TcpLine::flush() {
  while (!output_.empty()) {
    const ssize_t size = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      break;
    }
    if (size < 0) {
      close();
      return;
    }
    output_.erase(0, static_cast<std::size_t>(size));
  }
  watch(!output_.empty());
}

void TcpLine::watch(bool writing) {
  if (writing == writing_ || state_ != State::kOpen) {
    return;
  }
  writing_ = writing;
  loop_.remove(fd_.get());
  if (!loop_.add(fd_.get(), writing ? EPOLLIN | EPOLLOUT : EPOLLIN, *this)) {
    state_ = State::kLost;
    timer_.set(loop_.now());
  }
}

void TcpLine::close() {
  const bool stale = has_answered_;
  if (fd_) {
    loop_.remove(fd_.get());
    fd_.reset();
  }
  state_ = State::kClosed;
  timer_.set(dsl::env::MonoTime::max());
  writing_ = false;
  output_.clear();
  input_.clear();
  const std::vector<Attempt> attempts = outstanding_.take_all();
  if (!attempts.empty()) {
    events_.on_broken(attempts, stale);
  }
}

void TcpLine::timed_out() {
  if (state_ == State::kOpen && !outstanding_.empty()) {
    timer_.set(loop_.now() + kIdleMax);  // whoever waits decides how long
    return;
  }
  close();
}

}  // namespace mcns
