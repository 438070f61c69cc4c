// One connection to an upstream, TCP or TLS over it, made when there is something to ask. What
// questions and answers look like on it is its subclass's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
class StreamLine : public dsl::net::Watcher {
 public:
  struct Place {
    dsl::net::Loop& loop;
    dsl::env::SocketAddress upstream;
    std::chrono::milliseconds patience;  // for the connection to come about, with TLS's handshake
    std::optional<TlsPeer> peer;         // absent: plain TCP
  };
  StreamLine(Place place, ChannelEvents& events);
  ~StreamLine() override;

  // Where the question is on this line. kUnavailable when it cannot be sent.
  virtual dsl::Result<std::uint32_t> send(Attempt attempt, const Packet& packet) = 0;
  // The answer is not waited for any more.
  virtual void forget(std::uint32_t place) = 0;
  // What its message says for an id.
  virtual std::uint16_t message_id(std::uint32_t place) const = 0;
  // Nothing came for a question of that time: unless something else did since, the connection leads
  // nowhere, and the next question gets another.
  void doubt(dsl::env::MonoTime sent_at);
  // Others are trusted from now on: what was proven before counts no more. Of a line with TLS.
  void trust(const dsl::tls::Context& context);

  void on_ready(std::uint32_t events) override;

 protected:
  // Before anything is sent; connects when there is no connection.
  dsl::Result<void> prepare();
  // There is something to write, which is not done at once: that may fail, and whoever is told
  // about it does not know this attempt yet.
  void want_write();
  // Ends the connection; those whose questions were under way hear `why`.
  void close(const std::string& why);
  // The upstream has answered on this connection.
  void answered();
  bool is_open() const { return state_ == State::kOpen; }
  std::string alpn() const { return stream_->alpn(); }
  ChannelEvents& events() { return events_; }
  dsl::net::Loop& loop() { return loop_; }

  // A connection is about to be made; it is there, and an error says that it is of no use; it has
  // gone.
  virtual void begin() {}
  virtual dsl::Result<void> opened() { return {}; }
  virtual void ended() = 0;
  // Octets that came. Whoever is told of an answer may ask anew over this line, and that may end
  // the connection.
  virtual void take(std::string_view input) = 0;
  // Adds what is to be sent next.
  virtual void produce(Bytes& output) = 0;
  virtual bool is_waiting() const = 0;          // for some answer
  virtual std::vector<Attempt> take_all() = 0;  // those that wait, no longer

 private:
  // kLost: to be closed soon
  enum class State { kClosed, kConnecting, kHandshake, kOpen, kLost };
  dsl::Result<void> connect();
  void connected();
  void shake_hands();
  bool read_some();  // false: there is nothing more for now, or the end
  void keep_session();
  void flush();
  void watch(bool writing);
  void timed_out();

  dsl::net::Loop& loop_;
  const dsl::env::SocketAddress upstream_;
  const std::chrono::milliseconds patience_;
  ChannelEvents& events_;
  std::optional<TlsPeer> peer_;
  dsl::tls::Session session_;  // for the next connection; may be null
  dsl::net::Timer timer_;      // of connecting, then of being idle
  State state_ = State::kClosed;
  std::optional<dsl::net::Stream> stream_;
  bool writing_ = false;   // waits until it can write
  bool has_more_ = false;  // to read, that makes no event
  Bytes output_;
  dsl::env::MonoTime heard_at_{};
  bool has_answered_ = false;  // since it was opened
};

}  // namespace mcns
