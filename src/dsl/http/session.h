// One connection's protocol, free of sockets: bytes in, bytes out, calls in between.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dsl/http/call.h"
#include "dsl/http/dispatcher.h"

namespace dsl::http {

// What a session needs of its surroundings; outlives it.
struct SessionHost {
  Dispatcher& dispatcher;
  Call::Owner& owner;
  std::uint64_t connection = 0;
  std::shared_ptr<const PeerAddress> peer;
  std::function<std::string_view()> date;  // value of the Date header
};

constexpr std::size_t kOutMax = 64u << 10;     // answer bytes waiting for the socket
constexpr std::size_t kGatherMax = 32u << 10;  // a body up to this is here before its handler runs
constexpr std::size_t kBodyWaitMax = 64u << 10;  // body bytes waiting for a handler
// How long an idle connection may still send a request that was on its way when a drain began.
constexpr std::chrono::milliseconds kDrainIdle{500};

// Confined to its connection's loop.
class Session {
 public:
  virtual ~Session() = default;

  // Takes bytes from the front of `in`, which is all that has come and was not taken; how many.
  virtual std::size_t receive(std::string_view in, env::MonoTime now) = 0;
  // Appends answers to `out` as far as they are there and `out` stays near kOutMax.
  virtual void produce(std::string& out, env::MonoTime now) = 0;
  // False holds the peer back.
  virtual bool wants_input() const = 0;
  // Nothing more will be said: to be closed once `out` is sent. `broken`: at once, so that the peer
  // sees that its answer is not whole.
  virtual bool finished() const = 0;
  virtual bool broken() const = 0;

  virtual void call_changed(Call& call) = 0;
  // When `on_deadline` is to be called; max = never.
  virtual env::MonoTime deadline() const = 0;
  virtual void on_deadline(env::MonoTime now) = 0;

  // The peer will send nothing more, though it may still read. Called again after each step.
  virtual void input_ended() = 0;
  // The connection has gone: every call is cancelled.
  virtual void cancel() = 0;
  // Answers what has been asked, then finishes.
  virtual void drain(env::MonoTime now) = 0;
};

std::unique_ptr<Session> make_http1_session(const SessionHost& host, env::MonoTime now);
std::unique_ptr<Session> make_http2_session(const SessionHost& host, env::MonoTime now);

}  // namespace dsl::http
