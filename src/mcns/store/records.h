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
  bool auto_ptr = false;
  dsl::env::WallTime created_at;
  dsl::env::WallTime updated_at;
};

struct RecordRow {
  std::int64_t id = 0;
  std::int64_t zone_id = 0;
  Name name;          // absolute
  Type type = Type::kA;
  std::uint32_t ttl = 300;
  Bytes rdata;        // wire form
  std::string owner;  // the account that made it
  std::optional<dsl::env::WallTime> lease_expires_at;
  dsl::env::WallTime created_at;
  dsl::env::WallTime updated_at;
};

// One record more or less in the journal. A zone's changes of one serial lie together, deletions
// first, as IXFR sends them (RFC 1995).
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
  std::string actor;   // account
  std::string source;  // "api", "seed", "import", "lease", "rollback", "auto_ptr"
  dsl::env::WallTime at;
};

}  // namespace mcns::store
