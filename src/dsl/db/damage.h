// Whether the pages of a database are in order. Private to dsl::db.
#pragma once

#include <string>

#include "dsl/db/connection.h"
#include "dsl/result/result.h"

namespace dsl::db {

// Up to five lines of what is wrong with pages, rows and indexes; empty when nothing is.
Result<std::string> damage_in(Connection& connection);
// The same as an error, kDataLoss.
Result<void> check_pages(Connection& connection);

}  // namespace dsl::db
