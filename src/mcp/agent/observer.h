// What the containers of this node really do, kept up to date by podman's event stream, a full look
// every watch_interval, gates, and a check that processes and port forwarders live.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/events.h"
#include "mcp/agent/flap.h"
#include "mcp/agent/locks.h"
#include "mcp/agent/registry.h"
#include "mcp/runtime/runtime.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;

// Thread-safe. Two threads: one reads the event stream, one looks.
class Observer {
 public:
  Observer(dsl::env::Env& env, const Config& config, Registry& registry, runtime::Runtime& runtime,
           Containers& containers, SocketKeeper& sockets, EventLog& events, ServiceLocks& locks);
  ~Observer();

  void start();
  void stop();

  // Registered containers, orphans, stale ones; with `foreign` everybody else's too. Right after
  // the start this waits for the first look; when that takes long, registered ones are "unknown".
  std::vector<pb::ContainerState> states(bool foreign);
  // The same without waiting: what the looks so far have seen.
  std::vector<pb::ContainerState> seen_states(bool foreign);
  // One full look now, for a caller that wants the present.
  void refresh();
  // Blocks until something changed after `version` or `patience` has passed; returns the version.
  std::uint64_t wait_after(std::uint64_t version, std::chrono::milliseconds patience);
  // Empty while the runtime answers.
  std::string runtime_error();

  // While it says true a boot run is at work: nothing is reconciled, and looks are rarer.
  void set_busy(std::function<bool()> busy) { busy_ = std::move(busy); }

 private:
  struct Watched;
  struct Death {
    std::string name;
    std::string id;
  };

  void read_events();
  void look_forever();
  void wait_for_cause(dsl::env::MonoTime next_full);
  void rest_while_busy(dsl::env::MonoTime until);
  void look(bool probe_all);
  std::map<std::string, pb::ContainerState> unknown(const std::vector<ServiceRecord>& records,
                                                    const std::string& why);
  void look_at(const ServiceRecord& record, const ComponentRecord& wanted,
               const runtime::Container* listed, const runtime::LivenessPass& alive, bool probe_all,
               std::map<std::string, pb::ContainerState>& next);
  void examine(Watched& watched, const ServiceRecord& record, const ComponentRecord& wanted,
               const runtime::Container& listed, const runtime::LivenessPass& alive,
               pb::ContainerState& state);
  void judge_gate(Watched& watched, const ServiceRecord& record, const ComponentRecord& wanted,
                  bool probe_all, pb::ContainerState& state);
  void mind_sockets(Watched& watched, const ServiceRecord& record, const ComponentRecord& wanted,
                    pb::ContainerState& state);
  void reconcile(const ServiceRecord& record, const ComponentRecord& wanted,
                 const pb::ContainerState& state);
  void handle_deaths(const std::map<std::string, const runtime::Container*>& by_name);
  void hold_down(const ComponentRecord& wanted, Watched& watched);
  void retry_flapping(const ServiceRecord& record, const ComponentRecord& wanted, Watched& watched);
  void publish(std::map<std::string, pb::ContainerState> next);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  runtime::Runtime& runtime_;
  Containers& containers_;
  SocketKeeper& sockets_;
  EventLog& events_;
  ServiceLocks& locks_;
  std::function<bool()> busy_;

  std::map<std::string, std::unique_ptr<Watched>> watched_;  // by container; confined to a look
  std::set<std::string> busy_services_;                      // likewise
  std::mutex looking_;                                       // one look at a time

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::string, pb::ContainerState> states_;  // by container name
  std::vector<Death> deaths_;                         // since the last look
  std::string runtime_error_;
  bool looked_ = false;  // some look has ended
  std::uint64_t version_ = 0;
  bool dirty_ = false;
  bool starting_ = false;  // something is not healthy yet: look again soon
  std::atomic<bool> stopping_ = false;
  std::thread reader_;
  std::thread looker_;
};

}  // namespace mcp::agent
