// The tables of the zones.
#pragma once

#include <vector>

#include "dsl/db/database.h"

namespace mcns::store {

// For `dsl::db::Options`.
const std::vector<dsl::db::Migration>& migrations();

}  // namespace mcns::store
