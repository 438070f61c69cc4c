// What DNS cookies are made with, so that whoever has the database agrees on them.
#pragma once

#include <string_view>

namespace mcns::store {

// The one with the highest id is used, the one before it is honoured.
inline constexpr std::string_view kCookieMigration = R"sql(
CREATE TABLE cookie_secrets(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  secret BLOB NOT NULL CHECK(length(secret) = 16),
  created_at INTEGER NOT NULL) STRICT;
)sql";

}  // namespace mcns::store
