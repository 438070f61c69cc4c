// What the database of the zones holds, as values: docs/design/mcns.md, "The database".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcns/rdata/rdata.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns::store {

enum class SerialPolicy { kDate, kIncrement, kUnixtime };

struct ZoneRow {
  std::int64_t id = 0;
  Name origin;
  Soa soa;
  std::uint32_t soa_ttl = 300;      // seconds, like all below
  std::uint32_t default_ttl = 300;  // of records that name none
  SerialPolicy serial_policy = SerialPolicy::kDate;
  bool auto_ptr = false;           // A and AAAA records keep the PTR in a reverse zone of ours
  std::uint64_t journal_rows = 0;  // changes of it that are kept
  dsl::env::WallTime created_at;
  dsl::env::WallTime updated_at;
};

struct RecordRow {
  std::int64_t id = 0;
  std::int64_t zone_id = 0;
  Name name;  // absolute
  Type type = Type::kA;
  std::uint32_t ttl = 300;
  Bytes rdata;        // wire form, the case as first written
  Bytes canonical;    // its names in lower case: what a record is compared by
  std::string owner;  // the account that made it
  std::optional<dsl::env::WallTime> lease_expires_at;
  dsl::env::WallTime created_at;
  dsl::env::WallTime updated_at;
};

// One record more or less in the journal. A zone's changes of one serial lie together, deletions
// first, as IXFR sends them (RFC 1995). The SOA is among them when more of it changed than a serial
// that moved by itself. What a zone began with has `serial_from` 0.
struct ChangeRow {
  std::int64_t id = 0;
  std::int64_t zone_id = 0;
  std::uint32_t serial_from = 0;
  std::uint32_t serial_to = 0;
  bool added = false;  // else deleted
  Name name;
  Type type = Type::kA;
  std::uint32_t ttl = 0;
  Bytes rdata;
  std::string owner;   // of the record
  std::string actor;   // the account that did it
  std::string source;  // "api", "seed", "import", "lease", "rollback", "auto_ptr"
  dsl::env::WallTime at;
};

}  // namespace mcns::store
