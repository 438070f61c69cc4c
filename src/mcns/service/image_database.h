// The zones in memory as rows, for the API of a service whose database is damaged.
#pragma once

#include <memory>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/zone/store.h"

namespace mcns {

// Reads see every zone and record that is answered; of what no image has they see nothing: journal,
// grants, and whose a record is. Zones and records count as made at `as_of`. Writes are refused
// with `why`, and so is the check, since nothing is sound. Thread-safe.
//
// The rows are made when the first of them is read, on the thread that reads: some 120 octets a
// record, and seconds for a million, which a service that nobody looks into does without. `zones`
// outlives it, and nobody changes them.
std::unique_ptr<dsl::db::Database> image_database(dsl::env::Env& env, zone::Store& zones,
                                                  const dsl::Error& why, dsl::env::WallTime as_of);

}  // namespace mcns
