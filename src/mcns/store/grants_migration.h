// Tables that are no part of a zone: what accounts may write beyond their own names, and upstreams
// set through the API.
#pragma once

#include <string_view>

namespace mcns::store {

// Names are presentation form, lists have commas between their words, "*" is all of them.
inline constexpr std::string_view kGrantsMigration = R"sql(
CREATE TABLE grants(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL CHECK(account <> ''),
  zone TEXT NOT NULL COLLATE NOCASE, name_pattern TEXT NOT NULL CHECK(name_pattern <> ''),
  types TEXT NOT NULL CHECK(types <> ''), verbs TEXT NOT NULL CHECK(verbs <> ''),
  expires_at INTEGER, created_at INTEGER NOT NULL, created_by TEXT NOT NULL) STRICT;
CREATE INDEX grants_account ON grants(account);

CREATE TABLE forwards(
  zone TEXT PRIMARY KEY COLLATE NOCASE,
  upstreams TEXT NOT NULL CHECK(upstreams <> ''), fallback TEXT NOT NULL,
  policy TEXT NOT NULL CHECK(policy IN ('ordered', 'fastest', 'parallel'))) STRICT, WITHOUT ROWID;
)sql";

}  // namespace mcns::store
