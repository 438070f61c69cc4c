// What DNS cookies are made with.
#pragma once

#include <vector>

#include "dsl/db/database.h"
#include "dsl/secret/secret.h"

namespace mcns::store {

struct CookieSecret {
  dsl::Secret secret;  // sixteen octets
  dsl::env::WallTime created_at;
};

// The newest first, two at most.
dsl::Result<std::vector<CookieSecret>> cookie_secrets(dsl::db::Transaction& tx);
// Becomes the newest; all but the one before it go.
dsl::Result<void> add_cookie_secret(dsl::db::Transaction& tx, const CookieSecret& added);

}  // namespace mcns::store
