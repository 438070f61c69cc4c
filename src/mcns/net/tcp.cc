#include "mcns/net/tcp.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <sys/epoll.h>

#include "mcns/net/worker.h"

namespace mcns::net {
namespace {

constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kReadSize = 16384;
constexpr std::chrono::milliseconds kLinger{1000};      // for a client to see that we have ended
constexpr std::size_t kOutMax = std::size_t{1} << 20U;  // then no more is read until it is taken

}  // namespace

TcpConnection::TcpConnection(Worker& worker, dsl::net::Accepted accepted)
    : worker_(worker),
      stream_(std::move(accepted.fd)),
      peer_(accepted.peer),
      ticket_(std::move(accepted.ticket)),
      // Who waits for an upstream is not idle; who does not take its answers is.
      idle_(worker.loop(), [this] { in_flight_ > 0 ? touch() : end(); }) {
  touch();
}

TcpConnection::~TcpConnection() {
  *alive_ = false;
  worker_.loop().remove(stream_.fd());
}

void TcpConnection::on_ready(std::uint32_t) { pump(); }

// Whatever can be done now: a connection that had enough to do goes on when its answers have left.
void TcpConnection::pump() {
  bool has_room_again = true;
  while (!ended_ && has_room_again) {
    read_some();
    const bool was_full = is_full();
    if (!ended_) {
      write_some();
    }
    has_room_again = was_full && !is_full();
  }
  if (draining_ && !ended_) {
    settle();
  }
}

bool TcpConnection::is_full() const {
  return in_flight_ >= worker_.options().tcp_queries_in_flight || out_.rest().size() > kOutMax;
}

void TcpConnection::drain() {
  pump();  // what has come by now is ours to answer
  draining_ = true;
  if (!ended_) {
    settle();
  }
}

void TcpConnection::settle() {
  if (half_closed_) {
    await_end();
    return;
  }
  if (is_busy() || !in_.empty()) {
    return;
  }
  if (worker_.heir() && worker_.heir()(stream_.fd())) {
    end();  // the connection lives on by the other process's descriptor
    return;
  }
  half_closed_ = true;
  stream_.end_writing();
  idle_.set(worker_.loop().now() + kLinger);
  await_end();
}

// What a client still sends goes unanswered; it asks again over another connection (RFC 7766
// section 6.2.4).
void TcpConnection::await_end() {
  std::array<char, kReadSize> room;
  while (true) {
    const dsl::net::IoResult got = stream_.read(room);
    if (got.io == dsl::net::Io::kWantRead) {
      return;
    }
    if (got.io != dsl::net::Io::kDone) {
      end();
      return;
    }
  }
}

void TcpConnection::read_some() {
  std::array<char, kReadSize> room;
  while (reading_ && !ended_) {
    while (take_question()) {
    }
    // While it drains only the rest of what has begun to come is read.
    if (ended_ || is_full() || half_closed_ || (draining_ && in_.empty())) {
      return;
    }
    const dsl::net::IoResult got = stream_.read(room);
    if (got.io == dsl::net::Io::kWantRead) {
      return;
    }
    if (got.io == dsl::net::Io::kFailed) {
      end();
      return;
    }
    if (got.io != dsl::net::Io::kDone) {
      // RFC 7766 section 6.2.4: a client that has ended its side still gets what it asked for.
      reading_ = false;
      return;
    }
    in_.append(room.data(), got.count);
  }
}

bool TcpConnection::take_question() {
  const std::string_view rest = std::string_view(in_).substr(taken_);
  const std::size_t size = rest.size() < kLengthSize
                               ? 0
                               : (std::size_t{static_cast<std::uint8_t>(rest[0])} << 8U) |
                                     static_cast<std::uint8_t>(rest[1]);
  const bool is_whole = rest.size() >= kLengthSize && rest.size() - kLengthSize >= size;
  if (!is_whole || is_full()) {
    in_.erase(0, std::exchange(taken_, 0));
    return false;
  }
  taken_ += kLengthSize + size;
  touch();  // not for each octet that comes: a question is what keeps a connection
  answer(rest.substr(kLengthSize, size));
  return !ended_;
}

void TcpConnection::answer(std::string_view packet) {
  std::vector<char>& room = worker_.room();
  Pending pending;
  Resolver::Handled handled;
  {
    const std::int64_t began_ns = worker_.now_ns();
    worker_.resolver().begin(began_ns);
    const zone::Pin version(worker_.reader());
    Asked asked;
    Resolver::read(*version, packet, asked);
    handled = worker_.resolver().handle(*version, asked, packet, peer_.raw(), Transport::kTcp,
                                        began_ns / kNsPerMs, room.data(), room.size(), pending);
    worker_.resolver().end(worker_.now_ns(), 1);
  }
  switch (handled.outcome) {
    case Resolver::Outcome::kReply:
      reply({room.data(), handled.size});
      return;
    case Resolver::Outcome::kDrop:
      end();  // what is no question is no DNS
      return;
    case Resolver::Outcome::kPending:
      break;
  }
  ++in_flight_;
  worker_.forward(std::move(pending), [this, alive = alive_](std::string_view response) {
    if (*alive) {
      --in_flight_;
      reply(response);
      pump();
    }
  });
}

void TcpConnection::reply(std::string_view response) {
  out_.add(static_cast<char>(response.size() >> 8U));
  out_.add(static_cast<char>(response.size()));
  out_.add(response);
}

void TcpConnection::write_some() {
  while (!out_.empty()) {
    const dsl::net::IoResult done = stream_.write(out_.rest());
    if (done.io == dsl::net::Io::kWantWrite) {
      return;
    }
    if (done.io != dsl::net::Io::kDone) {
      end();
      return;
    }
    out_.took(done.count);
    touch();
  }
  if (!reading_ && !is_busy()) {
    end();
  }
}

void TcpConnection::touch() {
  last_active_ = worker_.loop().now();
  idle_.set(last_active_ + worker_.options().tcp_idle);
}

void TcpConnection::end() {
  if (!ended_) {
    ended_ = true;
    *alive_ = false;
    ticket_ = dsl::net::ConnectionLimits::Ticket();
    worker_.ended(*this);
  }
}

}  // namespace mcns::net
