// How the files of a database lie there before SQLite sees them. Private to dsl::db.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/db/database.h"
#include "dsl/env/env.h"

namespace dsl::db {

struct Found {
  bool database = false;
  std::uint64_t database_bytes = 0;
  std::uint32_t mode = 0;
  std::uint64_t wal_bytes = 0;
};

// kDataLoss for what cannot be a database; kFailedPrecondition for one that is missing or empty
// where there was data, and for one whose restore was cut off.
Result<Found> look_at_files(env::Env& env, const std::string& path, const Options& options);

}  // namespace dsl::db
