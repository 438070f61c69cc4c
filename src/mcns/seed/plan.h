// Seed entries beside what the database holds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/seed/entries.h"

namespace mcns::seed {

// What is to be done for one zone of a file.
struct Plan {
  bool create = false;
  // There is no such zone, and it is not made: it was deleted, or the file does not say how.
  bool waits = false;
  std::vector<const RecordEntry*> add;
  std::vector<std::pair<std::string, std::string>> settled;  // hash and text, to be remembered
  std::vector<std::string> ignored;  // "www.example.test. A 192.0.2.1 is there already"
  std::size_t known = 0;             // remembered already
};

// `zone` outlives the plan.
dsl::Result<Plan> plan(dsl::db::Transaction& tx, const ZoneEntry& zone);

}  // namespace mcns::seed
