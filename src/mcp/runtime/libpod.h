// Calls to the libpod API over a bounded pool of kept-alive connections.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/http/client.h"

namespace mcp::runtime {

using dsl::Result;

// Thread-safe. Replies with status >= 400 come back as errors (decode_error). Bounds:
// `connections_max` calls at once, the rest wait; streams have connections of their own.
class Libpod {
 public:
  struct Options {
    std::string socket;
    int connections_max = 8;
    std::chrono::milliseconds call_timeout{60000};
    std::chrono::milliseconds unreachable_timeout{5000};
    // Called when podman says that its database is gone under it; true when it was restarted, and
    // the call may be repeated.
    std::function<bool()> on_lost_database;
  };

  Libpod(dsl::env::Env& env, Options options);

  // Version header of /_ping. kUnavailable at once when nobody answers.
  Result<std::string> ping();

  struct Call {
    std::string method = "GET";
    std::string path;                        // below /libpod, with query, encoded
    std::string body;                        // JSON
    std::chrono::milliseconds more_time{0};  // on top of call_timeout
  };
  // While the runtime is away the call is repeated with back-off when that is safe: a GET, or a
  // request of which no byte was sent. Never longer than `unreachable_timeout`.
  Result<dsl::http::Response> call(const Call& call);

  // A reply without an end of its own, or one with a slow end: `idle` zero waits for ever, also
  // for the head, which podman holds back until there is something to say.
  Result<void> stream(const Call& call, std::chrono::milliseconds idle,
                      const std::function<bool(std::string_view)>& on_data,
                      const std::function<bool()>& keep_waiting = {});
  Result<dsl::http::Response> upload(const Call& call,
                                     const std::function<Result<std::string_view>()>& next);

 private:
  // A connection of the pool, given back when destroyed.
  class Lease;

  Result<std::unique_ptr<dsl::http::Connection>> take(dsl::env::MonoTime deadline);
  void give_back(std::unique_ptr<dsl::http::Connection> connection);
  dsl::http::Request request(const Call& call) const;
  std::unique_ptr<dsl::http::Connection> connect() const;

  dsl::env::Env& env_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<dsl::http::Connection>> idle_;
  int in_use_ = 0;
};

}  // namespace mcp::runtime
