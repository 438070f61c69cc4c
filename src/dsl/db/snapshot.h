// The one way a database is copied: snapshots, backups, copies before a migration. Private to
// dsl::db.
#pragma once

#include "dsl/db/pinned.h"
#include "dsl/env/env.h"

namespace dsl::db {

// Copies `source` to `destination`, verified and durable; see Database::snapshot. A copy that fails
// leaves no file; one that is cut off leaves none at `destination`, at most some whose names begin
// with `destination`.partial-.
Result<SnapshotReport> take_snapshot(env::Env& env, const PinnedState& source,
                                     const std::string& destination);

}  // namespace dsl::db
