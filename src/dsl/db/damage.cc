#include "dsl/db/damage.h"

#include "dsl/db/sqlite_error.h"

namespace dsl::db {

Result<std::string> damage_in(Connection& connection) {
  std::string findings;
  Statement pages = connection.prepare("PRAGMA quick_check(5)");
  MC_TRY(pages.each([&](Row& row) -> Result<void> {
    if (row.text(0) != "ok") {
      findings += (findings.empty() ? "" : "; ") + row.text(0);
    }
    return {};
  }));
  return findings;
}

Result<void> check_pages(Connection& connection) {
  MC_ASSIGN(const std::string findings, damage_in(connection));
  if (!findings.empty()) {
    return fail(damaged_error(connection.path(), findings));
  }
  return {};
}

}  // namespace dsl::db
