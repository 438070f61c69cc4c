#include "dsl/db/inventory.h"

namespace dsl::db {
namespace {

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    out += c;
    if (c == '"') {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::int64_t Inventory::rows_total() const {
  std::int64_t total = 0;
  for (const auto& [table, count] : rows) {
    total += count;
  }
  return total;
}

Result<Inventory> take_inventory(Connection& connection) {
  Inventory inventory;
  Statement schema = connection.prepare(
      "SELECT type, name, tbl_name, sql, type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
      " FROM sqlite_schema ORDER BY type, name");
  MC_TRY(schema.each([&](Row& row) -> Result<void> {
    for (int column = 0; column < 4; ++column) {
      inventory.schema += row.text(column) + '\0';
    }
    if (row.boolean(4)) {
      inventory.rows.emplace_back(row.text(1), 0);
    }
    return {};
  }));
  for (auto& [table, count] : inventory.rows) {
    MC_ASSIGN(count, connection.integer("SELECT count(*) FROM " + quoted(table)));
  }
  for (const char* pragma : {"PRAGMA user_version", "PRAGMA application_id", "PRAGMA encoding"}) {
    MC_ASSIGN(const std::string value, connection.text(pragma));
    inventory.schema += value + '\0';
  }
  return inventory;
}

}  // namespace dsl::db
