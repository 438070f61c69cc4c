// `mcp-agent rebuild`: a registry from what is left of the one that was lost.
//
// The merge is pure and decides service by service: the highest generation wins, and two sources
// that differ at the same generation are a conflict for a person to decide. No container is
// touched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/rebuild_sources.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

inline constexpr const char* kRebuildActor = "rebuild";

enum class RebuildAction { kAdd, kConflict, kSkipped };
std::string_view name(RebuildAction action);  // "add", "conflict", "skipped"

struct RebuildRow {
  std::string service;
  std::int64_t generation = 0;  // 0: unknown
  std::string source;           // "mirror+labels" when both say the same
  RebuildAction action = RebuildAction::kAdd;
  std::string note;
};

struct RebuildPlan {
  std::vector<RebuildRow> rows;        // by service; what was left out comes last
  std::vector<ServiceRecord> records;  // of the rows that say add
  bool has_conflicts() const;
};

struct Merged {
  std::optional<ServiceRecord> record;  // nothing when it is a conflict
  RebuildRow row;
};

// What becomes of one service. `findings` are those of it, at least one. A definition stands at the
// generation of the newest other finding: what equals it confirms it, what differs is a conflict. A
// definition that is preferred becomes the generation after that.
// Desired state, image digests and adoption come from the mirror, else from the live containers;
// ports from the mirror, else from what the containers publish. A route without any has no
// allocation yet. A container without our labels is adopted when its settings are those that a
// definition asks for.
Merged merge_service(const std::vector<const Finding*>& findings, const Remains& remains,
                     std::optional<Source> prefer);

// All services; two of them that claim one container name or one port are a conflict, too.
RebuildPlan merge(const Remains& remains, std::optional<Source> prefer);

// Chooses ports for the routes that have none.
Result<void> complete_ports(dsl::env::Env& env, const Config& config,
                            std::vector<ServiceRecord>& records);

// What became of the former registry.
struct Rebuilt {
  std::string lost;                     // its name now; empty when there was none
  std::vector<std::string> kept_files;  // mirror files that were damaged, under their names now
};

// Makes the new registry beside the old one, puts it in its place, and writes the mirror. A power
// cut leaves the old one, the new one, or a note that keeps the agent from starting until the
// rebuild has run again. The caller holds the registry's lock.
Result<Rebuilt> carry_out(dsl::env::Env& env, const Config& config, const RebuildPlan& plan,
                          const Remains& remains, const NodeRecord& node);

// Why the registry that is there may not be replaced without being asked to: it can be read and has
// services. Empty when it is missing, damaged or empty; `state` then says which, for people.
struct Former {
  std::string state;
  std::string worth_keeping;
};
Result<Former> look_at_former(dsl::env::Env& env, const Config& config);

}  // namespace mcp::agent
