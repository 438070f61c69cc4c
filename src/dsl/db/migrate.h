// Brings a database to the schema of this binary. Private to dsl::db.
#pragma once

#include <vector>

#include "dsl/db/connection.h"
#include "dsl/env/env.h"

namespace dsl::db {

// What a database needs, found without changing it.
struct MigrationPlan {
  int applied = 0;  // highest number recorded; 0 for a database without one
  bool has_data = false;
  std::vector<Migration> pending;
};

// Refuses a database newer than `known`, and one whose applied migrations differ from `known`
// (kFailedPrecondition). The numbers of `known` must be 1, 2, 3, ... (asserted).
Result<MigrationPlan> plan_migrations(Connection& connection, const std::vector<Migration>& known);

// Applies them in order, each in a transaction of its own together with its record in
// schema_migrations. Stops at the first that fails, which leaves no trace.
Result<void> apply_migrations(env::Env& env, Connection& connection, const MigrationPlan& plan);

}  // namespace dsl::db
