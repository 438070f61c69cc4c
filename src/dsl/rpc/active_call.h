// The one CallContext: made by a transport, completed by the chain.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "dsl/env/clock.h"
#include "dsl/rpc/call.h"

namespace dsl::rpc {

struct CallStart {
  std::string method;
  std::string request_id;
  Peer peer;
  env::MonoTime deadline = env::MonoTime::max();
  std::function<bool()> cancelled;  // asked beside `cancel`; absent = never
};

// Thread-safe, except that the caller is set once, before the handler sees the call.
class ActiveCall final : public CallContext {
 public:
  ActiveCall(env::Clock& clock, CallStart start) : clock_(clock), start_(std::move(start)) {}

  const std::string& method() const override { return start_.method; }
  const std::string& request_id() const override { return start_.request_id; }
  const Caller& caller() const override { return caller_; }
  const Peer& peer() const override { return start_.peer; }
  env::WallTime now() const override { return clock_.now(); }
  env::MonoTime deadline() const override { return start_.deadline; }
  bool cancelled() const override {
    return gone_.load() || deadline_passed() || (start_.cancelled && start_.cancelled());
  }

  bool deadline_passed() const { return clock_.mono_now() >= start_.deadline; }
  // The client has gone or the server stops.
  void cancel() { gone_.store(true); }
  // For a call that brought none. Before the call is seen by another thread.
  void default_deadline(env::MonoTime deadline) {
    if (start_.deadline == env::MonoTime::max()) {
      start_.deadline = deadline;
    }
  }
  void set_caller(Caller caller) { caller_ = std::move(caller); }

 private:
  env::Clock& clock_;
  CallStart start_;
  Caller caller_;
  std::atomic<bool> gone_{false};
};

}  // namespace dsl::rpc
