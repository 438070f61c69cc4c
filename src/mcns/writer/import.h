// A whole zone at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcns/writer/packed_records.h"
#include "mcns/writer/work.h"

namespace mcns::writer {

// The records of an import, checked and in order.
struct Prepared {
  PackedRecords
      records;  // by key, type and canonical form; each once, those of an RRset of one TTL
  std::optional<Soa> soa;
  std::uint32_t soa_ttl = 0;
  std::vector<std::string> warnings;
};

// What needs no rows, and most of the work: on the caller's thread, before the write is queued.
// Takes the records. Every record that cannot stand in the zone is named in the details.
dsl::Result<Prepared> prepare(Writer::Import& import);

// Makes the zone these records, or adds them to it.
dsl::Result<void> plan_import(Work& work, const Writer::Import& import, Prepared& prepared);
// A new zone with these records, and its primary server as NS when they hold none.
dsl::Result<void> plan_create(Work& work, store::ZoneRow zone, Prepared& prepared);

}  // namespace mcns::writer
