// Changes to services: one at a time for a service, journalled, followed live, replayed after a
// crash. An operation runs on a thread of its own and goes on when its caller has left.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/agent/locks.h"
#include "mcp/agent/registry.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;

struct OperationRequest {
  std::string kind;       // deploy, undeploy, ...
  std::string service;    // whose lock it takes; "" = the node's own (recover)
  std::string component;  // empty = all of the service
  std::string actor;
  std::string source;
  std::string request_id;
  std::chrono::milliseconds lock_wait{30000};
};

// The journal row of an operation that was not ended: what a restarted agent finds.
struct OpenOperation {
  std::string id;
  std::string kind;
  std::string service;
  std::string component;
  std::string actor;
  std::string step;
  std::string journal;  // JSON, the kind's own
};

// What the work of an operation sees. Confined to its thread, except `cancelled`.
class OperationContext {
 public:
  virtual ~OperationContext() = default;

  virtual const std::string& id() const = 0;
  virtual bool cancelled() const = 0;
  virtual void progress(int step, int total, std::string_view component,
                        std::string_view message) = 0;
  virtual void notice(std::string_view message) = 0;
  virtual void boot_item(const pb::BootItem& item) = 0;
  // Commits step and journal before the effect that they announce.
  virtual Result<void> journal(std::string_view step, std::string_view journal_json) = 0;
  // The same inside the caller's transaction.
  virtual Result<void> journal(dsl::db::Transaction& tx, std::string_view step,
                               std::string_view journal_json) = 0;
  // Filled by the work: downtime, generation, log tail, remaining commands, a final `state` other
  // than done and failed.
  virtual pb::Operation& result() = 0;
};

using OperationWork = std::function<Result<void>(OperationContext&)>;

// Thread-safe.
class Operations {
 public:
  Operations(dsl::env::Env& env, Registry& registry, ServiceLocks& locks);
  ~Operations();

  // Takes the service's lock, records the operation and starts its thread; returns its id. A
  // request id seen within 24 h returns the recorded operation's id instead. kConflict when the
  // lock is not free in time: the message says who holds it.
  Result<std::string> begin(const OperationRequest& request, OperationWork work);
  // Continues an operation that a former agent left open, under its old id.
  Result<void> resume(const OpenOperation& open, OperationWork work);

  // Hands over every event from the first, then new ones, until the result was sent, `on_event`
  // fails, or `abandoned` says that nobody listens.
  Result<void> follow(const std::string& id,
                      const std::function<Result<void>(const pb::OperationEvent&)>& on_event,
                      const std::function<bool()>& abandoned);
  // Id of the operation that `request_id` began within 24 h.
  Result<std::optional<std::string>> recorded(const std::string& request_id);
  Result<pb::Operation> get(const std::string& id);
  Result<pb::Operation> cancel(const std::string& id);
  std::vector<pb::Operation> running();

  Result<std::vector<OpenOperation>> left_open();

  // Gives what runs until `grace` has passed to end by itself, then cancels it and waits.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(0));

 private:
  class Running;

  void launch(const std::shared_ptr<Running>& running, ServiceLocks::Hold hold, OperationWork work);
  void finish(Running& running, const Result<void>& outcome, ServiceLocks::Hold& hold);
  void reap();

  dsl::env::Env& env_;
  Registry& registry_;
  ServiceLocks& locks_;
  std::mutex mutex_;                                            // guards all below
  std::map<std::string, std::shared_ptr<Running>> operations_;  // running and recently ended
  std::list<std::string> ended_;                                // oldest first
  std::vector<std::thread> threads_;
  std::vector<std::thread::id> finished_threads_;
  bool stopping_ = false;
};

}  // namespace mcp::agent
