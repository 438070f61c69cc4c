#include "mcns/store/schema.h"

#include "mcns/store/cookie_migration.h"
#include "mcns/store/forwards_migration.h"
#include "mcns/store/grants_migration.h"

namespace mcns::store {
namespace {

// Times are milliseconds since the Unix epoch; names are presentation form, those of records and
// changes below their zone ("www", "@"). What is derived stands there too (`value`), for whoever
// looks with a shell.
//
// Records lie in the order of their key, so that a zone is read from one end to the other in
// canonical order (RFC 4034 section 6.1), and an RRset is one place. `canonical` is the rdata with
// its names in lower case; `rdata` is NULL when it is the same.
//
// `last_id` of a zone is the highest number that it used for a record or a change; numbers are
// never used again, also not those of zones that are gone.
constexpr std::string_view kInitial = R"sql(
CREATE TABLE zones(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL COLLATE NOCASE,
  primary_ns TEXT NOT NULL, admin_email TEXT NOT NULL,
  serial INTEGER NOT NULL CHECK(serial BETWEEN 1 AND 4294967295),
  refresh INTEGER NOT NULL, retry INTEGER NOT NULL, expire INTEGER NOT NULL,
  minimum_ttl INTEGER NOT NULL, soa_ttl INTEGER NOT NULL, default_ttl INTEGER NOT NULL,
  serial_policy TEXT NOT NULL CHECK(serial_policy = 'date' OR serial_policy = 'increment'
    OR serial_policy = 'unixtime'),
  auto_ptr INTEGER NOT NULL CHECK(auto_ptr = 0 OR auto_ptr = 1),
  last_id INTEGER NOT NULL, journal_rows INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX zones_name ON zones(name);

CREATE TABLE past_zones(
  name TEXT PRIMARY KEY COLLATE NOCASE, serial INTEGER NOT NULL,
  last_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE records(
  zone_id INTEGER NOT NULL REFERENCES zones(id) ON DELETE CASCADE,
  sort_key BLOB NOT NULL,
  type TEXT NOT NULL CHECK(type <> '' AND type <> 'SOA' AND type <> 'OPT' AND type <> 'ANY'
    AND type <> 'AXFR' AND type <> 'IXFR' AND type <> 'TSIG' AND type <> 'TKEY'),
  canonical BLOB NOT NULL,
  id INTEGER NOT NULL,
  name TEXT NOT NULL, value TEXT NOT NULL,
  ttl INTEGER NOT NULL CHECK(ttl BETWEEN 0 AND 2147483647),
  rdata BLOB, owner TEXT NOT NULL, lease_expires_at INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  PRIMARY KEY(zone_id, sort_key, type, canonical)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX records_id ON records(id);
CREATE INDEX records_lease ON records(lease_expires_at) WHERE lease_expires_at IS NOT NULL;

CREATE TABLE changes(
  zone_id INTEGER NOT NULL REFERENCES zones(id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  serial_from INTEGER NOT NULL, serial_to INTEGER NOT NULL,
  op TEXT NOT NULL CHECK(op = '+' OR op = '-'),
  name TEXT NOT NULL, type TEXT NOT NULL, ttl INTEGER NOT NULL, rdata BLOB NOT NULL,
  owner TEXT NOT NULL, actor TEXT NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(zone_id, id)) STRICT, WITHOUT ROWID;

CREATE TABLE seed_log(
  hash TEXT PRIMARY KEY, entry TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql";

}  // namespace

const std::vector<dsl::db::Migration>& migrations() {
  static const std::vector<dsl::db::Migration> migrations{{1, "initial", kInitial},
                                                          {2, "grants", kGrantsMigration},
                                                          {3, "cookies", kCookieMigration},
                                                          {4, "forwards", kForwardsMigration}};
  return migrations;
}

}  // namespace mcns::store
