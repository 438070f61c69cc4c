// Records that go when nobody renews them.
#pragma once

#include <cstdint>
#include <vector>

#include "mcns/writer/work.h"

namespace mcns::writer {

// Rows of one zone whose lease has ended.
struct EndedLeases {
  Name zone;
  std::vector<std::int64_t> records;
};

// At most `limit` of them, by zone.
dsl::Result<std::vector<EndedLeases>> ended_leases(dsl::db::Transaction& tx, const ZoneMap& zones,
                                                   dsl::env::WallTime now, std::size_t limit);
// Those that were not renewed meanwhile.
dsl::Result<void> plan_lease_end(Work& work, const EndedLeases& leases);

}  // namespace mcns::writer
