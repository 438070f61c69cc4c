#include "mcns/store/cookie_table.h"

namespace mcns::store {

using dsl::Result;

Result<std::vector<CookieSecret>> cookie_secrets(dsl::db::Transaction& tx) {
  std::vector<CookieSecret> out;
  MC_TRY(tx.query("SELECT secret, created_at FROM cookie_secrets ORDER BY id DESC LIMIT 2",
                  [&](dsl::db::Row& row) -> Result<void> {
                    out.push_back({dsl::Secret::from(row.blob(0)), row.time(1)});
                    return {};
                  }));
  return out;
}

Result<void> add_cookie_secret(dsl::db::Transaction& tx, const CookieSecret& added) {
  MC_TRY(tx.run("INSERT INTO cookie_secrets(secret, created_at) VALUES(?, ?)",
                added.secret.expose(), added.created_at));
  return tx.run(
      "DELETE FROM cookie_secrets WHERE id NOT IN"
      " (SELECT id FROM cookie_secrets ORDER BY id DESC LIMIT 2)");
}

}  // namespace mcns::store
