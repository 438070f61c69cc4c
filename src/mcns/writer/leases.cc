#include "mcns/writer/leases.h"

#include <map>

#include "mcns/store/record_table.h"

namespace mcns::writer {

using dsl::Result;
using store::RecordRow;

Result<std::vector<EndedLeases>> ended_leases(dsl::db::Transaction& tx, const ZoneMap& zones,
                                              dsl::env::WallTime now, std::size_t limit) {
  MC_ASSIGN(const auto expired, store::expired_leases(tx, now, limit));
  std::map<std::int64_t, std::vector<std::int64_t>> by_zone;
  for (const store::ExpiredLease& lease : expired) {
    by_zone[lease.zone_id].push_back(lease.record_id);
  }
  std::vector<EndedLeases> out;
  for (auto& [id, records] : by_zone) {
    if (const store::ZoneRow* zone = zones.find(id)) {
      out.push_back({zone->origin, std::move(records)});
    }
  }
  return out;
}

Result<void> plan_lease_end(Work& work, const EndedLeases& leases) {
  MC_ASSIGN(Draft * draft, work.begin(leases.zone, std::nullopt));
  for (const std::int64_t id : leases.records) {
    MC_ASSIGN(const auto record, store::record_by_id(work.tx, draft->zone, id));
    if (!record || !record->lease_expires_at || *record->lease_expires_at > work.now) {
      continue;
    }
    MC_ASSIGN(DraftName * name, draft->name(work.tx, record->name));
    std::erase_if(name->after, [id](const RecordRow& row) { return row.id == id; });
  }
  return {};
}

}  // namespace mcns::writer
