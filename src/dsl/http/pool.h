// A pooled client: connections kept alive for many callers, one deadline a call, retries where they
// do no harm.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "dsl/env/env.h"
#include "dsl/http/client.h"

namespace dsl::http {

struct PoolOptions {
  std::size_t connections_max = 16;  // of one target; callers beyond it wait within their deadline
  std::size_t idle_max = 8;          // of one target, kept when nobody uses them
  std::size_t targets_max = 256;     // known at once; the idle connections of others are closed
  std::chrono::milliseconds idle_time{60000};
  int tries_max = 3;                      // of one call, the first included
  std::chrono::milliseconds backoff{50};  // before the second try, doubled for each further one
  std::chrono::milliseconds backoff_max{2000};
};

// Thread-safe. `env` outlives it. No proxies: neither its own setting nor the environment's.
//
// A call is tried again when its peer could not be reached or answered 502, 503 or 504, if the
// method is idempotent (RFC 9110 section 9.2.2) or no byte of the request was sent; after a pause
// of half to all of the back-off by lot, or as long as Retry-After asks, and never beyond the
// deadline.
class Pool {
 public:
  Pool(env::Env& env, const PoolOptions& options) : env_(env), options_(options) {}
  ~Pool();

  // Errors: those of Connection; kUnavailable also when every connection stayed taken. A TLS target
  // is verified: one without `ca_file` is kInvalidArgument. An answer of 502, 503 or 504 that the
  // last try brought is returned as it is.
  Result<Response> send(const Target& target, const Request& request,
                        std::chrono::milliseconds timeout, std::size_t body_max = 64u << 20);

  std::size_t idle_connections() const;

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    env::MonoTime since;
  };
  struct Slot {
    std::vector<Idle> idle;  // the latest used last
    std::size_t taken = 0;
  };
  class Lease;

  Result<Response> try_once(const Target& target, const Request& request, env::MonoTime deadline,
                            std::size_t body_max, bool& sent);
  Result<std::unique_ptr<Connection>> take(const Target& target, const std::string& key,
                                           env::MonoTime deadline);
  void give_back(const std::string& key, std::unique_ptr<Connection> connection);
  void forget_unused(const std::string& key);  // with mutex_ held
  std::chrono::milliseconds pause_before(int next_try, const Result<Response>& last);

  env::Env& env_;
  const PoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable given_back_;
  std::map<std::string, Slot> slots_;  // guarded by mutex_
};

}  // namespace dsl::http
