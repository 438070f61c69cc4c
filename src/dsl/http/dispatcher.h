// From a request to its handler: route, limits, authorization, and the threads that run it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "dsl/http/call.h"
#include "dsl/thread/worker_pool.h"

namespace dsl::http {

// Thread-safe once made, except `stop`. `env` outlives it.
class Dispatcher {
 public:
  Dispatcher(env::Env& env, Router router, ServerOptions options);

  // The client's id if it is harmless, else one of ours.
  std::string request_id(const Headers& headers);

  // Finds the route and checks what can be known from the head; an answer when the request ends
  // here.
  std::optional<Reply> admit(Call& call) const;
  // Runs the handler, or answers 503 when all places are taken. `own_thread`: it may wait for its
  // client.
  void run(const std::shared_ptr<Call>& call, bool own_thread);

  Reply error_reply(int status, const Error& error, std::string_view request_id) const;
  // After the answer went out; 499 when the client did not wait for it.
  void done(const Call& call, int status) const;
  // The value of the Date header.
  std::string date() const;

  const Limits& limits() const { return options_.limits; }
  // Joins the threads; every call has been cancelled or has ended.
  void stop();

 private:
  void handle(Call& call) const;

  env::Env& env_;
  const Router router_;
  const ServerOptions options_;
  const std::string id_prefix_;
  std::atomic<std::uint64_t> next_id_ = 0;
  WorkerPool workers_;
  WorkerPool streams_;
};

}  // namespace dsl::http
