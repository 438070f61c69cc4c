// One connection to an upstream, TCP or TLS over it, made when there is something to ask (RFC 7766,
// RFC 7858).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dsl/env/socket_address.h"
#include "dsl/net/loop.h"
#include "dsl/net/stream.h"
#include "dsl/tls/tls.h"
#include "mcns/forward/channel.h"
#include "mcns/forward/outstanding.h"

namespace mcns {

// What the upstream has to prove before it is asked anything.
struct TlsPeer {
  dsl::tls::Context context;  // whose word on it counts
  std::string name;           // of its certificate: a host, or an address literal
};

// Many questions are under way at once, and answered in any order. Confined to its loop.
class TcpLine final : public dsl::net::Watcher {
 public:
  // `patience`: for the connection to come about, with the handshake of TLS. Without `peer` it is
  // plain TCP.
  TcpLine(dsl::net::Loop& loop, const dsl::env::SocketAddress& upstream, RandomPool& random,
          std::chrono::milliseconds patience, ChannelEvents& events, std::optional<TlsPeer> peer);
  ~TcpLine() override;

  // The id that it got. kUnavailable when it cannot be sent.
  dsl::Result<std::uint16_t> send(Attempt attempt, const Packet& packet);
  // The answer is not waited for any more.
  void forget(std::uint16_t id) { outstanding_.remove(id); }
  // Nothing came for a question of that time: unless something else did since, the connection leads
  // nowhere, and the next question gets another.
  void doubt(dsl::env::MonoTime sent_at);
  // Others are trusted from now on: what was proven before counts no more. Of a line with TLS.
  void trust(const dsl::tls::Context& context);

  void on_ready(std::uint32_t events) override;

 private:
  // kLost: to be closed soon
  enum class State { kClosed, kConnecting, kHandshake, kOpen, kLost };
  dsl::Result<void> connect();
  void connected();
  void shake_hands();
  bool read_some();  // false: there is nothing more for now, or the end
  void take_messages();
  void keep_session();
  void flush();
  void watch(bool writing);
  void close(const std::string& why);
  void timed_out();

  dsl::net::Loop& loop_;
  const dsl::env::SocketAddress upstream_;
  RandomPool& random_;
  const std::chrono::milliseconds patience_;
  ChannelEvents& events_;
  std::optional<TlsPeer> peer_;
  dsl::tls::Session session_;  // for the next connection; may be null
  dsl::net::Timer timer_;      // of connecting, then of being idle
  State state_ = State::kClosed;
  std::optional<dsl::net::Stream> stream_;
  bool writing_ = false;   // waits until it can write
  bool has_more_ = false;  // to read, that makes no event
  Outstanding outstanding_;
  Bytes output_;
  Bytes input_;
  dsl::env::MonoTime heard_at_{};
  bool has_answered_ = false;  // since it was opened
};

}  // namespace mcns
