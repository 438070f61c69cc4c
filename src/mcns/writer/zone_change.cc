#include "mcns/writer/zone_change.h"

#include "mcns/store/record_table.h"
#include "mcns/writer/auto_ptr.h"
#include "mcns/writer/rules.h"
#include "mcns/writer/serial.h"

namespace mcns::writer {

using dsl::Code;
using dsl::fail;
using dsl::Result;

Result<void> plan_update(Work& work, const store::ZoneRow& row,
                         std::optional<std::uint32_t> if_serial) {
  MC_ASSIGN(Draft * draft, work.begin(row.origin, if_serial));
  store::ZoneRow& zone = draft->zone;
  const std::uint32_t current = zone.soa.serial;
  const std::uint32_t wanted = row.soa.serial;
  if (wanted != 0 && wanted != current) {
    if (!is_newer(wanted, current)) {
      return fail(Code::kInvalidArgument, "serial: {} is not newer than {}", wanted, current)
          .hint(dsl::text("leave it out, or give a later one (RFC 1982), for example {}",
                          next_serial(zone.serial_policy, current, work.now)));
    }
    draft->serial_wanted = wanted;
  }
  zone.soa = row.soa;
  zone.soa.serial = current;
  zone.soa_ttl = row.soa_ttl;
  zone.default_ttl = row.default_ttl;
  zone.serial_policy = row.serial_policy;
  zone.auto_ptr = row.auto_ptr;
  return check_zone(zone);
}

Result<void> plan_delete(Work& work, const Name& origin) {
  MC_ASSIGN(Draft * draft, work.begin(origin, std::nullopt));
  draft->kind = Draft::Kind::kDeleted;
  if (!draft->zone.auto_ptr) {
    return {};
  }
  // Its addresses go one by one, so that their PTR records go too.
  return store::each_record(work.tx, draft->zone,
                            [&](store::RecordRow& row, BytesView key) -> Result<void> {
                              if (reverse_name(row.type, row.rdata)) {
                                DraftName& name = draft->names()[Bytes(key)];
                                name.name = row.name;
                                name.before.push_back(std::move(row));
                              }
                              return {};
                            });
}

}  // namespace mcns::writer
