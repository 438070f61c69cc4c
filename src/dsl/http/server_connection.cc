#include "dsl/http/server_connection.h"

#include <algorithm>
#include <array>

#include <sys/epoll.h>

#include "dsl/log/log.h"
#include "dsl/net/proxy_header.h"

namespace dsl::http {

namespace {

const log::Logger logger("http.server");

constexpr int kRoundsMax = 16;  // then the other connections get their turn
constexpr std::chrono::milliseconds kLingerTime{2000};
// For a connection that has not agreed on a protocol when a drain begins.
constexpr std::chrono::milliseconds kDrainStart{2000};
constexpr std::size_t kLingerMax = 1u << 20;  // bytes that are read and dropped
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace

ServerConnection::ServerConnection(ConnectionHost& host, std::uint64_t id, net::Accepted accepted,
                                   const Kind& kind)
    : host_(host),
      id_(id),
      ticket_(std::move(accepted.ticket)),
      stream_(std::move(accepted.fd)),
      kind_(kind),
      peer_(std::make_shared<PeerAddress>()),
      session_host_{host.dispatcher(), host, id, peer_, [&host] { return host.date(); }},
      state_(kind.proxy_header ? State::kProxyHeader : State::kHandshake),
      timer_(host.loop(), [this] { on_timer(); }),
      step_deadline_(host.loop().now() + host.dispatcher().limits().header_timeout),
      write_deadline_(env::MonoTime::max()),
      draining_(kind.draining) {
  peer_->address = env::to_text(accepted.peer);
}

ServerConnection::~ServerConnection() = default;

Result<void> ServerConnection::start() {
  if (kind_.tls) {
    MC_TRY(stream_.start_tls(kind_.tls));
  }
  MC_TRY(host_.loop().add(stream_.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this));
  advance();
  return {};
}

void ServerConnection::on_ready(std::uint32_t events) {
  if ((events & EPOLLERR) != 0) {
    end();
    return;
  }
  end_arrived_ = end_arrived_ || (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
  readable_ = readable_ || end_arrived_ || (events & EPOLLIN) != 0;
  writable_ = writable_ || (events & EPOLLOUT) != 0;
  if ((events & EPOLLRDHUP) != 0 && state_ == State::kOpen && !session_->wants_input()) {
    // A handler is at work and nothing is read meanwhile: it learns of the end before we come to
    // it. What was sent before the end is still read and answered.
    session_->input_ended();
  }
  advance();
}

void ServerConnection::call_changed(Call& call) {
  if (session_) {
    session_->call_changed(call);
    advance();
  }
}

void ServerConnection::advance() {
  for (int round = 0; round < kRoundsMax; ++round) {
    bool more = false;
    switch (state_) {
      case State::kProxyHeader:
        more = step_proxy_header();
        break;
      case State::kHandshake:
        more = step_handshake();
        break;
      case State::kDetect:
        more = step_detect();
        break;
      case State::kOpen:
        more = step_session();
        break;
      case State::kLinger:
        more = step_linger();
        break;
      case State::kEnded:
        return;
    }
    if (!more) {
      set_timer();
      return;
    }
  }
  set_timer();
  if (!again_ && state_ != State::kEnded) {
    again_ = true;
    host_.loop().post([&host = host_, id = id_] { host.connection_turn(id); });
  }
}

bool ServerConnection::step_proxy_header() {
  std::array<char, net::kProxyHeaderMax> bytes;
  const net::IoResult peeked = stream_.peek(bytes);
  if (peeked.io == net::Io::kWantRead) {
    return false;
  }
  if (peeked.io != net::Io::kDone) {
    end();
    return false;
  }
  auto header = net::parse_proxy_header({bytes.data(), peeked.count});
  if (!header) {
    logger.failure(log::Level::kWarn, "refused a connection", header.error());
    end();
    return false;
  }
  if (!*header) {
    return false;
  }
  stream_.discard((*header)->size);
  if ((*header)->proxied) {
    peer_->address = env::to_text((*header)->source);
  }
  state_ = State::kHandshake;
  return true;
}

bool ServerConnection::step_handshake() {
  switch (stream_.handshake()) {
    case net::Io::kDone:
      break;
    case net::Io::kWantRead:
      readable_ = false;
      return false;
    case net::Io::kWantWrite:
      writable_ = false;
      return false;
    default:
      end();
      return false;
  }
  peer_->tls = stream_.is_tls();
  peer_->client_name = stream_.client_name();
  readable_ = true;
  if (stream_.is_tls()) {
    open_session(stream_.alpn() == "h2");
  } else {
    state_ = State::kDetect;
  }
  return true;
}

// RFC 9113 section 3.3: a client with prior knowledge begins with the preface.
bool ServerConnection::step_detect() {
  const std::size_t size = std::min(in_.size(), kHttp2Preface.size());
  if (in_.compare(0, size, kHttp2Preface, 0, size) != 0) {
    open_session(false);
    return true;
  }
  if (size == kHttp2Preface.size()) {
    open_session(true);
    return true;
  }
  if (input_ended_) {
    end();
    return false;
  }
  return read_some();
}

void ServerConnection::open_session(bool http2) {
  const env::MonoTime now = host_.loop().now();
  session_ =
      http2 ? make_http2_session(session_host_, now) : make_http1_session(session_host_, now);
  state_ = State::kOpen;
  if (draining_) {
    session_->drain(now);
  }
}

// One round: take what has come, say what is due, send, read. False when only an event helps.
bool ServerConnection::step_session() {
  const env::MonoTime now = host_.loop().now();
  bool moved = false;
  if (!in_.empty() && session_->wants_input()) {
    const std::size_t used = session_->receive(in_, now);
    in_.erase(0, used);
    moved = used > 0;
  }
  if (input_ended_ && !moved) {
    session_->input_ended();
  }
  session_->produce(out_, now);
  if (out_at_ < out_.size()) {
    moved = write_some() || moved;
    if (state_ != State::kOpen) {
      return false;
    }
  }
  if (session_->broken()) {
    end();
    return false;
  }
  if (out_.empty() && session_->finished()) {
    begin_linger();
    return true;
  }
  if (in_.size() < kOutMax && session_->wants_input() && (in_.empty() || !moved)) {
    moved = read_some() || moved;
  }
  return moved && state_ == State::kOpen;
}

// True when bytes came, or the end did.
bool ServerConnection::read_some() {
  if (!readable_ || input_ended_) {
    return false;
  }
  const std::span<char> buffer = host_.scratch();
  const net::IoResult result = stream_.read(buffer);
  switch (result.io) {
    case net::Io::kDone:
      // The end may lie right behind these bytes, and has had its event.
      readable_ = end_arrived_ || !stream_.drained();
      in_.append(buffer.data(), result.count);
      return true;
    case net::Io::kWantRead:
      readable_ = false;
      return false;
    case net::Io::kWantWrite:
      return false;
    case net::Io::kEnd:
      input_ended_ = true;
      return true;
    case net::Io::kFailed:
      end();
      return false;
  }
  return false;
}

bool ServerConnection::write_some() {
  bool moved = false;
  while (writable_ && out_at_ < out_.size()) {
    const net::IoResult result = stream_.write(std::string_view(out_).substr(out_at_));
    if (result.io == net::Io::kDone) {
      out_at_ += result.count;
      moved = true;
    } else if (result.io == net::Io::kWantWrite || result.io == net::Io::kWantRead) {
      writable_ = false;
    } else {
      end();
      return false;
    }
  }
  if (out_at_ == out_.size()) {
    out_.clear();
    out_at_ = 0;
    write_deadline_ = env::MonoTime::max();
  } else if (moved || write_deadline_ == env::MonoTime::max()) {
    write_deadline_ = host_.loop().now() + host_.dispatcher().limits().write_timeout;
  }
  return moved;
}

void ServerConnection::begin_linger() {
  stream_.end_writing();
  state_ = State::kLinger;
  step_deadline_ = host_.loop().now() + (draining_ ? kDrainIdle : kLingerTime);
  in_.clear();
}

bool ServerConnection::step_linger() {
  if (input_ended_ || lingered_ > kLingerMax) {
    end();
    return false;
  }
  const bool moved = read_some();
  lingered_ += in_.size();
  in_.clear();
  return moved;
}

void ServerConnection::end() {
  if (state_ == State::kEnded) {
    return;
  }
  state_ = State::kEnded;
  if (session_) {
    session_->cancel();
  }
  timer_.set(env::MonoTime::max());
  host_.loop().remove(stream_.fd());
  host_.connection_ended(id_);
}

void ServerConnection::drain() {
  draining_ = true;
  if (session_) {
    session_->drain(host_.loop().now());
    advance();
  } else {
    step_deadline_ = std::min(step_deadline_, host_.loop().now() + kDrainStart);
    set_timer();
  }
}

void ServerConnection::cut() { end(); }

void ServerConnection::take_turn() {
  again_ = false;
  advance();
}

void ServerConnection::on_timer() {
  const env::MonoTime now = host_.loop().now();
  if (now >= write_deadline_ || (!session_ && now >= step_deadline_) ||
      (state_ == State::kLinger && now >= step_deadline_)) {
    end();
    return;
  }
  if (state_ == State::kOpen) {
    session_->on_deadline(now);
  }
  advance();
}

void ServerConnection::set_timer() {
  if (state_ == State::kEnded) {
    return;
  }
  const env::MonoTime step = state_ == State::kOpen ? session_->deadline() : step_deadline_;
  timer_.set(std::min(step, write_deadline_));
}

}  // namespace dsl::http
