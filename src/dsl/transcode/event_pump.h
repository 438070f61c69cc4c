// Server-sent events: what a handler writes, and a comment now and then where it writes nothing.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "dsl/env/clock.h"
#include "dsl/http/server.h"
#include "dsl/result/result.h"

namespace dsl::transcode {

// An exchange belongs to its thread, and a handler may be silent for hours; so the handler runs on
// another thread, which hands each piece to this one and waits until it is taken.
//
// `put` and `end` are for the handler's thread, `run` for the exchange's.
class EventPump {
 public:
  EventPump(env::Clock& clock, http::Exchange& exchange) : clock_(clock), exchange_(exchange) {}

  // Returns once the client has taken the piece; kCancelled when it has gone.
  Result<void> put(std::string piece);
  // The handler has returned.
  void end();
  // A piece or a comment could not be sent. For any thread.
  bool gone();

  // Writes until `end`; then whether the head of the answer was sent.
  bool run();

 private:
  // Nothing once the handler has ended; an empty piece when it was silent for long.
  std::optional<std::string> next();
  Result<void> send(std::string_view piece);

  env::Clock& clock_;
  http::Exchange& exchange_;
  bool begun_ = false;  // of the exchange's thread
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> piece_;  // guarded by mutex_, as all below
  Result<void> outcome_;              // of the last piece
  bool gone_ = false;
  bool ended_ = false;
};

}  // namespace dsl::transcode
