// Brings back what one unit has lost: its files from the newest point, its databases from their
// replicas, which go further. What is still there stays.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/restore/restore.h"
#include "mcp/recovery/restore.h"
#include "mcp/recovery/unit_data.h"

namespace mcp::recovery {

// A lost database that its replica brings back.
struct ReplayedDatabase {
  UnitReplica replica;
  dsl::restore::Request request;
  dsl::restore::Plan plan;
  std::uint32_t mode = 0600;
};

struct UnitRecovery {
  UnitPlace unit;
  UnitLosses losses;
  RestorePlan restore;  // of this unit; its manifest has no files when there is no point
  bool has_point = false;
  std::vector<ReplayedDatabase> databases;

  // Something comes from the point, so what was changed after it is lost.
  bool uses_point() const;
};

using RecoveryProgress = std::function<void(const std::string& what)>;

// Reads and checks all that the replicas will give. `point` is the newest one that has the unit.
// kNotFound for a database, or a directory, that there is no copy of. Changes nothing.
Result<UnitRecovery> plan_unit_recovery(dsl::env::Env& env, const UnitPlace& unit,
                                        const UnitLosses& losses, std::optional<Manifest> point,
                                        const std::vector<UnitReplica>& replicas,
                                        const std::vector<dsl::archive::AgeIdentity>& identities,
                                        const RecoveryProgress& progress);

// Does it; the unit's service does not run. `source` is where the plan's point lies; null when
// nothing of it is used. As with a restore, what was live is in ".trash" (databases: beside their
// places) and `undo` takes it back, and a cut leaves each item as it was or as it shall be.
Result<void> carry_out(dsl::env::Env& env, const UnitRecovery& recovery, const PointSource* source,
                       const ReadKeys& keys, const RecoveryProgress& progress);

}  // namespace mcp::recovery
