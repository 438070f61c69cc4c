// One walk over the graph, as its runner keeps it. Private to boot_*.cc.
#pragma once

#include <tuple>

#include "dsl/thread/worker_pool.h"
#include "mcp/agent/boot_runner.h"

namespace mcp::agent {

// One walk over the graph. The engine is confined to the driver thread; what others may see of it
// is copied into `items` and `state` under the runner's mutex.
struct BootRunner::Run {
  std::int64_t id = 0;
  std::string reason;
  std::string boot_id;
  std::int64_t started_ms = 0;
  std::vector<ServiceRecord> records;  // constant once running
  std::map<std::string, std::pair<const ServiceRecord*, const ComponentRecord*>> by_key;
  std::vector<std::string> notices;
  std::unique_ptr<boot::Engine> engine;
  // As of each node's last preparation: a deploy or stop during the run must not be undone by it.
  std::vector<std::shared_ptr<const ServiceRecord>> current;
  std::vector<std::string> container_ids;  // of each node, once prepared
  std::vector<char> just_started;          // by its last preparation: it did not run before
  std::vector<std::int64_t> started_seq;   // order of first preparation
  std::vector<std::int64_t> healthy_seq;
  std::int64_t seq = 0;
  std::tuple<std::string, std::string, std::int64_t> saved;  // state, stage, end as recorded
  std::vector<std::size_t> unsaved;                          // nodes changed since their last row

  // Guarded by the runner's mutex:
  std::deque<boot::Event> inbox;
  std::uint64_t posted = 0;
  std::uint64_t handled = 0;
  std::vector<pb::BootItem> items;
  std::vector<std::uint64_t> versions;  // rises with each change of an item
  std::uint64_t version = 0;
  std::string state = "running";
  std::string stage;
  std::int64_t ended_ms = 0;
  bool trailing = false;  // only what was left behind is still tried
  bool over = false;

  std::atomic<bool> aborted = false;
  std::unique_ptr<dsl::WorkerPool> workers;
  std::thread driver;
};

}  // namespace mcp::agent
