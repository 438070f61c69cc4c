// One TCP connection to an upstream, made when there is something to ask (RFC 7766).
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "dsl/net/loop.h"
#include "mcns/forward/channel.h"
#include "mcns/forward/outstanding.h"

namespace mcns {

// Many questions are under way at once, and answered in any order. Confined to its loop.
class TcpLine final : public dsl::net::Watcher {
 public:
  TcpLine(dsl::net::Loop& loop, const dsl::env::SocketAddress& upstream, RandomPool& random,
          std::chrono::milliseconds connect_timeout, ChannelEvents& events);
  ~TcpLine() override;

  // The id that it got. kUnavailable when it cannot be sent.
  dsl::Result<std::uint16_t> send(Attempt attempt, const Packet& packet);
  // The answer is not waited for any more.
  void forget(std::uint16_t id) { outstanding_.remove(id); }
  // Nothing came for a question of that time: unless something else did since, the connection leads
  // nowhere, and the next question gets another.
  void doubt(dsl::env::MonoTime sent_at);

  void on_ready(std::uint32_t events) override;

 private:
  enum class State { kClosed, kConnecting, kOpen, kLost };  // kLost: to be closed soon
  dsl::Result<void> connect();
  void connected();
  bool read_some();  // false: there is nothing more for now, or the end
  void take_messages();
  void flush();
  void watch(bool writing);
  void close();
  void timed_out();

  dsl::net::Loop& loop_;
  const dsl::env::SocketAddress upstream_;
  RandomPool& random_;
  const std::chrono::milliseconds connect_timeout_;
  ChannelEvents& events_;
  dsl::net::Timer timer_;  // of connecting, then of being idle
  State state_ = State::kClosed;
  dsl::env::UniqueFd fd_;
  bool writing_ = false;  // waits until it can write
  Outstanding outstanding_;
  Bytes output_;
  Bytes input_;
  dsl::env::MonoTime heard_at_{};
  bool has_answered_ = false;  // since it was opened
};

}  // namespace mcns
