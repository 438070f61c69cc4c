#include "mcns/dnstap/tap_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/socket_address.h"
#include "dsl/log/log.h"
#include "mcns/dnstap/frames.h"

namespace mcns::dnstap {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

const dsl::log::Logger kLogger("dnstap");

}  // namespace

bool TapSocket::ready() {
  if (state_ == State::kClosed) {
    if (clock_.mono_now() < retry_at_) {
      return false;
    }
    if (const Result<void> connected = connect(); !connected) {
      failed(connected.error());
      return false;
    }
  }
  if (const Result<void> heard = hear(); !heard) {
    failed(heard.error());
    return false;
  }
  if (state_ == State::kGreeted) {
    const Result<bool> accepted = is_accepted();
    if (!accepted) {
      failed(accepted.error());
    } else if (*accepted) {
      state_ = State::kOpen;
      backoff_ = kBackoffFirst;
      kLogger.info("dnstap messages are taken", {{"path", path_}});
      has_failed_ = false;
    }
  }
  return state_ == State::kOpen;
}

Result<void> TapSocket::connect() {
  MC_ASSIGN(const dsl::env::SocketAddress address, dsl::env::unix_socket_address(path_));
  fd_ = dsl::env::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // It is at once, or not: a unix socket does not wait for its peer.
  if (!fd_ || ::connect(fd_.get(), address.raw(), address.size) != 0) {
    return fail(dsl::env::errno_error(errno, "connect to", path_));
  }
  in_.clear();
  MC_TRY(send_whole(control_frame(ControlType::kReady)));
  state_ = State::kGreeted;
  greeted_at_ = clock_.mono_now();
  return {};
}

Result<void> TapSocket::hear() {
  std::array<char, 1024> room;
  const ssize_t got = ::recv(fd_.get(), room.data(), room.size(), 0);
  if (got > 0) {
    if (state_ == State::kOpen) {
      return fail(Code::kUnavailable, "the reader of {} speaks out of turn", path_);
    }
    in_.append(room.data(), static_cast<std::size_t>(got));
    return {};
  }
  if (got == 0) {
    return fail(Code::kUnavailable, "the reader of {} is gone", path_);
  }
  return errno == EAGAIN || errno == EINTR
             ? Result<void>()
             : Result<void>(fail(dsl::env::errno_error(errno, "read from", path_)));
}

Result<bool> TapSocket::is_accepted() {
  MC_ASSIGN(const std::optional<ControlFrame> frame, read_control(in_));
  if (!frame) {
    if (clock_.mono_now() - greeted_at_ > kPatience) {
      return fail(Code::kUnavailable, "the reader of {} does not answer", path_);
    }
    return false;
  }
  const Control& said = frame->control;
  const auto& types = said.content_types;
  const bool takes_ours =
      types.empty() || std::find(types.begin(), types.end(), kContentType) != types.end();
  if (said.type != ControlType::kAccept || !takes_ours) {
    return fail(Code::kUnavailable, "the reader of {} does not take {}", path_, kContentType);
  }
  in_.clear();
  MC_TRY(send_whole(control_frame(ControlType::kStart)));
  return true;
}

// Of a stream that has only begun, or that has room: it takes a few octets at once.
Result<void> TapSocket::send_whole(const std::string& frame) {
  const ssize_t sent = ::send(fd_.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    return fail(dsl::env::errno_error(errno, "write to", path_));
  }
  if (static_cast<std::size_t>(sent) < frame.size()) {
    return fail(Code::kUnavailable, "the reader of {} takes nothing", path_);
  }
  return {};
}

Result<std::size_t> TapSocket::write(std::string_view frames) {
  const ssize_t sent = ::send(fd_.get(), frames.data(), frames.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    return static_cast<std::size_t>(sent);
  }
  if (errno == EAGAIN || errno == EINTR) {
    return 0;
  }
  const dsl::Error error = dsl::env::errno_error(errno, "write to", path_);
  failed(error);
  return tl::unexpected(error);
}

void TapSocket::failed(const dsl::Error& error) {
  fd_.reset();
  state_ = State::kClosed;
  retry_at_ = clock_.mono_now() + backoff_;
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
  // Once: it may stay so for days.
  if (!has_failed_) {
    kLogger.failure(dsl::log::Level::kWarn, "nobody takes dnstap messages", error);
  }
  has_failed_ = true;
}

void TapSocket::finish() {
  if (state_ != State::kOpen || !send_whole(control_frame(ControlType::kStop))) {
    return;
  }
  // FINISH, or its end: then it has read everything. Whatever it says, there is nothing left to do.
  pollfd waits{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  (void)::poll(&waits, 1, static_cast<int>(kFarewell.count()));
  fd_.reset();
  state_ = State::kClosed;
}

}  // namespace mcns::dnstap
