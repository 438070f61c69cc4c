// Boot runs and their items as rows of the registry: what a killed agent goes on from, and what
// `mcp boot status` shows of a run that is over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcp/agent/registry.h"
#include "mcp/boot/engine.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;

// Thread-safe. Each write is on stable storage when it returns.
class BootRecords {
 public:
  explicit BootRecords(Registry& registry) : registry_(registry) {}

  // A new run in state "running"; returns its id. Forgets the oldest ones beyond 100.
  Result<std::int64_t> create(const std::string& boot_id, const std::string& reason,
                              std::int64_t started_ms);
  // `started_seq` and `healthy_seq`: the order in which the run's items were first prepared and
  // became healthy; 0 = not yet.
  struct ItemRow {
    pb::BootItem item;
    std::int64_t started_seq = 0;
    std::int64_t healthy_seq = 0;
  };
  // All of them or none.
  Result<void> save_items(std::int64_t run, const std::vector<ItemRow>& rows);
  Result<void> save_run(std::int64_t run, const std::string& state, const std::string& stage,
                        std::int64_t ended_ms);

  // The latest run with its items. kNotFound when there never was one.
  Result<pb::BootRun> last();

  struct Item {
    std::string key;  // "service/component"
    boot::NodeState state = boot::NodeState::kPending;
    int attempts = 0;
    std::int64_t started_seq = 0;
    std::int64_t healthy_seq = 0;
  };
  struct Unfinished {
    std::int64_t id = 0;
    std::string reason;
    std::vector<Item> items;
  };
  // The latest run of this boot that nobody ended; nothing when there is none.
  Result<std::optional<Unfinished>> unfinished(const std::string& boot_id);

 private:
  Registry& registry_;
};

}  // namespace mcp::agent
