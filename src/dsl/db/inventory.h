// What is in a database, so that a copy can be compared with its source. Private to dsl::db.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dsl/db/connection.h"
#include "dsl/result/result.h"

namespace dsl::db {

// What must be equal in a copy: the schema as text, and the rows of every table.
struct Inventory {
  std::string schema;
  std::vector<std::pair<std::string, std::int64_t>> rows;  // by table name

  bool operator==(const Inventory&) const = default;
  std::int64_t rows_total() const;
};

// Counts every row of every table.
Result<Inventory> take_inventory(Connection& connection);

}  // namespace dsl::db
