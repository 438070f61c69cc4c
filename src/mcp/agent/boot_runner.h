// Carries the boot engine's actions out: the one way in which containers come up in order, after a
// reboot, by `mcp boot`, and in `recover`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/boot_records.h"
#include "mcp/agent/config.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/events.h"
#include "mcp/agent/locks.h"
#include "mcp/agent/registry.h"
#include "mcp/boot/engine.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;

// Thread-safe. At most one run at a time. Every item is committed to boot_items before the action
// that follows it, so that a kill at any instant resumes at the same item.
class BootRunner {
 public:
  BootRunner(dsl::env::Env& env, const Config& config, Registry& registry, Containers& containers,
             EventLog& events, ServiceLocks& locks);
  ~BootRunner();

  struct Request {
    std::string reason;  // reboot, operator, recover
    std::string boot_id;
    std::vector<std::string> services;  // empty = every active one
    bool replace = false;               // end a run that is under way; recover takes over
  };
  // Starts a run; returns its id. kConflict while one is running, unless it may be replaced.
  Result<std::int64_t> begin(const Request& request);
  // Goes on with a run that a former agent left unfinished on this boot; nothing when there is
  // none.
  Result<std::optional<std::int64_t>> resume(const std::string& boot_id);

  // The present run, or the last one. kNotFound when there never was one.
  Result<pb::BootRun> status();
  // Hands over items as they change, then the run, until it is done or aborted, or (with
  // `until_held`) holds; or `abandoned`.
  Result<pb::BootRun> follow(std::int64_t run, bool until_held,
                             const std::function<Result<void>(const pb::BootItem&)>& on_item,
                             const std::function<bool()>& abandoned);
  // Stops everything in reverse order; the desired state stays, so that the next boot starts it.
  Result<void> take_down(runtime::Runtime& runtime,
                         const std::function<Result<void>(const pb::BootItem&)>& on_item);
  Result<pb::BootRun> control(const pb::BootControlRequest& request);
  bool running();
  // Everything was taken down on purpose, and nothing has booted it since.
  bool down() const;

  void stop();

 private:
  struct Run;

  Result<std::int64_t> launch(std::unique_ptr<Run> run);
  void abort_present();
  void drive(Run& run);
  void note_change(Run& run, std::size_t node);
  void apply(Run& run, const boot::Action& action);
  void post(Run& run, boot::Event event);
  void prepare(Run& run, std::size_t node);
  void gate(Run& run, std::size_t node, bool recheck);
  Result<void> persist_items(Run& run);
  Result<void> persist_run(Run& run);
  pb::BootItem item(const Run& run, std::size_t node) const;
  pb::BootRun describe(const Run& run) const;
  Result<std::unique_ptr<Run>> build(const Request& request);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  Containers& containers_;
  EventLog& events_;
  ServiceLocks& locks_;
  BootRecords records_;
  std::mutex launching_;  // one launch at a time, with its waits; taken before mutex_
  std::mutex mutex_;      // guards run_ and all that Run says is guarded by it
  std::condition_variable changed_;
  std::unique_ptr<Run> run_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> down_ = false;
};

}  // namespace mcp::agent
