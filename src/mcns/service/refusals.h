// What callers of the API hear while names are answered and nothing can be changed. Private to
// mcns::service.
#pragma once

#include <string>

#include "dsl/env/file_system.h"
#include "dsl/result/result.h"

namespace mcns {

// Of a process that is being succeeded.
dsl::Error taking_over();
// The command that puts the database back, with the newest of the snapshots in the folder; when
// mirrors are configured it takes those by itself.
std::string way_back(dsl::env::FileSystem& files, const std::string& snapshots, bool has_replica);
// Of a process without a database.
dsl::Error unchangeable(const dsl::Error& damage, const std::string& way_back);

}  // namespace mcns
