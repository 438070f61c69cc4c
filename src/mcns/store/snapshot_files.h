// Names of the copies of the database that `mcns snapshot` leaves in the folder of backups.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/env/file_system.h"
#include "dsl/result/result.h"

namespace mcns::store {

// "mcns-20260403T084500Z.db"
std::string snapshot_name(dsl::env::WallTime at);
// Names in the folder, the oldest first. Of the form above: nothing else in it is ours.
dsl::Result<std::vector<std::string>> snapshot_names(dsl::env::FileSystem& files,
                                                     const std::string& folder);
// Path of the newest one; empty when there is none, or the folder cannot be read.
std::string newest_snapshot(dsl::env::FileSystem& files, const std::string& folder);

}  // namespace mcns::store
