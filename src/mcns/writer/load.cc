#include <algorithm>

#include "mcns/rdata/rdata.h"
#include "mcns/store/record_table.h"
#include "mcns/writer/publish.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using store::ZoneRow;

// The records of a zone come by name and type, so that each RRset is whole before the next.
Result<void> load_zone(dsl::db::Transaction& tx, const ZoneRow& zone, zone::Edit& edit,
                       const std::function<void(const ZoneRow&)>& has_dname) {
  edit.create(zone.id, zone.origin);
  edit.put(
      zone.origin,
      {.name = zone.origin, .type = Type::kSoa, .ttl = zone.soa_ttl, .rdata = {zone.soa.rdata()}});
  Rrset rrset;
  const auto take = [&](const store::ServedRecord& record) -> Result<void> {
    if (auto checked = check_rdata(record.type, record.rdata); !checked) {
      return fail(Code::kDataLoss, "the record {} {} of zone {}: {}", record.name.text(),
                  text(record.type), zone.origin.text(), checked.error().message())
          .hint("put back a snapshot of the database");
    }
    if (record.first_of_name || record.type != rrset.type) {
      if (!rrset.rdata.empty()) {
        edit.put(zone.origin, rrset);
      }
      rrset.rdata.clear();
      rrset.name = record.name;
      rrset.type = record.type;
      if (record.type == Type::kDname) {
        has_dname(zone);
      }
      rrset.ttl = record.ttl;
    }
    rrset.rdata.emplace_back(record.rdata);
    return {};
  };
  MC_TRY(store::each_served(tx, zone, take));
  if (!rrset.rdata.empty()) {
    edit.put(zone.origin, rrset);
  }
  return {};
}

// Zones of the store that the database does not have (any more).
std::vector<Name> origins_beside(const std::vector<ZoneRow>& zones, zone::Store& store) {
  std::vector<Name> out;
  zone::Reader reader(store);
  const zone::Pin version(reader);
  for (const auto& zone : version->zones()) {
    const bool is_there = std::any_of(zones.begin(), zones.end(), [&](const ZoneRow& row) {
      return row.origin == zone->origin();
    });
    if (!is_there) {
      out.push_back(zone->origin());
    }
  }
  return out;
}

}  // namespace

Result<void> load(dsl::db::Transaction& tx, const std::vector<ZoneRow>& zones, zone::Store& store,
                  const std::function<void(const ZoneRow&)>& has_dname) {
  const std::vector<Name> gone = origins_beside(zones, store);
  if (zones.empty() && gone.empty()) {
    return {};
  }
  zone::Edit edit(store);
  for (const Name& origin : gone) {
    edit.remove(origin);
  }
  for (const ZoneRow& zone : zones) {
    if (auto loaded = load_zone(tx, zone, edit, has_dname); !loaded) {
      edit.give_up();  // who serves goes on to serve what it has
      return loaded;
    }
  }
  edit.publish();
  return {};
}

}  // namespace mcns::writer
