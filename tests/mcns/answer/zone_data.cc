#include "mcns/answer/zone_data.h"

#include <algorithm>

#include "dsl/env/env.h"
#include "mcns/rdata/rdata.h"
#include "mcns/zonefile/zonefile.h"
#include "support/result_matchers.h"

namespace mcns::test {

void ZoneData::add(const Record& record) {
  Rrset& rrset = names[record.name][record.type];
  if (rrset.rdata.empty()) {
    rrset.name = record.name;
    rrset.type = record.type;
  }
  rrset.ttl = record.ttl;
  const Bytes canonical = canonical_rdata(record.type, record.rdata);
  const bool known = std::any_of(rrset.rdata.begin(), rrset.rdata.end(), [&](const Bytes& each) {
    return canonical_rdata(record.type, each) == canonical;
  });
  if (!known) {
    rrset.rdata.push_back(record.rdata);
  }
}

bool ZoneData::has(const Name& name, Type type) const {
  const auto node = names.find(name);
  return node != names.end() && node->second.contains(type);
}

bool ZoneData::exists(const Name& name) const {
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& node) { return node.first.is_within(name); });
}

ZoneData read_zone(const Name& origin, std::string_view file_name, std::string_view text) {
  ZoneData zone;
  zone.origin = origin;
  dsl::test::require_ok(read_zonefile(dsl::env::system_env(), file_name, text, {.origin = origin},
                                      [&](Record record, int) -> dsl::Result<void> {
                                        zone.add(record);
                                        return {};
                                      }));
  return zone;
}

std::string text(const std::vector<ZoneData>& zones) {
  std::string out;
  for (const ZoneData& zone : zones) {
    out += dsl::text("$ORIGIN {}\n", zone.origin.text());
    for (const auto& [name, types] : zone.names) {
      for (const auto& [type, rrset] : types) {
        for (const Bytes& rdata : rrset.rdata) {
          out += dsl::text("{} {} {} {}\n", name.text(), rrset.ttl, mcns::text(type),
                           rdata_text(type, rdata));
        }
      }
    }
  }
  return out;
}

void publish(zone::Store& store, const std::vector<ZoneData>& zones) {
  zone::Edit edit(store);
  std::int64_t id = 0;
  for (const ZoneData& zone : zones) {
    edit.create(++id, zone.origin);
    for (const auto& [name, types] : zone.names) {
      for (const auto& [type, rrset] : types) {
        edit.put(zone.origin, rrset);
      }
    }
  }
  edit.publish();
}

}  // namespace mcns::test
