#include "mcns/writer/zone_change.h"

#include "mcns/store/record_table.h"
#include "mcns/writer/auto_ptr.h"
#include "mcns/writer/rules.h"
#include "mcns/writer/serial.h"

namespace mcns {

void ZoneUpdate::put(store::ZoneRow& row) const {
  const auto take = [](const auto& given, auto& field) {
    if (given) {
      field = *given;
    }
  };
  take(primary_ns, row.soa.primary_ns);
  take(admin_email, row.soa.admin_email);
  take(refresh_s, row.soa.refresh_s);
  take(retry_s, row.soa.retry_s);
  take(expire_s, row.soa.expire_s);
  take(minimum_ttl_s, row.soa.minimum_ttl_s);
  take(default_ttl, row.default_ttl);
  take(serial_policy, row.serial_policy);
  take(auto_ptr, row.auto_ptr);
}

}  // namespace mcns

namespace mcns::writer {

using dsl::Result;

Result<void> plan_update(Work& work, const ZoneUpdate& update) {
  MC_ASSIGN(Draft * draft, work.begin(update.zone, update.if_serial));
  store::ZoneRow& zone = draft->zone;
  const std::uint32_t current = zone.soa.serial;
  update.put(zone);
  if (const std::uint32_t wanted = update.serial.value_or(current); wanted != current) {
    if (!is_newer(wanted, current)) {
      return wrong_field("serial", "{} is not newer than {}", wanted, current)
          .hint(dsl::text("leave it out, or give a later one (RFC 1982), for example {}",
                          next_serial(zone.serial_policy, current, work.now)));
    }
    draft->serial_wanted = wanted;
  }
  return check_zone(zone);
}

Result<void> plan_delete(Work& work, const Name& origin, std::optional<std::uint32_t> if_serial) {
  MC_ASSIGN(Draft * draft, work.begin(origin, if_serial));
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
