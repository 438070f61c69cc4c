#include "mcns/store/seed_table.h"

namespace mcns::store {

using dsl::Result;

SeedLog::SeedLog(dsl::db::Transaction& tx)
    : find_(tx.prepare("SELECT 1 FROM seed_log WHERE hash = ?")),
      insert_(tx.prepare("INSERT OR IGNORE INTO seed_log(hash, entry, at) VALUES(?, ?, ?)")) {}

Result<bool> SeedLog::contains(std::string_view hash) {
  bool found = false;
  find_.bind_all(hash);
  MC_TRY(find_.each([&](dsl::db::Row&) -> Result<void> {
    found = true;
    return {};
  }));
  return found;
}

Result<void> SeedLog::add(std::string_view hash, std::string_view entry, dsl::env::WallTime at) {
  insert_.bind_all(hash, entry, at);
  return insert_.run();
}

}  // namespace mcns::store
