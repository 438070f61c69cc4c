#include "mcns/api/convert.h"

#include <utility>

#include "mcns/api/fields.h"
#include "mcns/store/zone_table.h"

namespace mcns::api {

namespace {

// Of one answer: a message of gRPC has 4 MiB.
constexpr std::size_t kChangesBytesMax = 3u << 19;
constexpr std::size_t kRecordsBytesMax = 2u << 20;
constexpr int kRowsMax = 10000;

// Appends as many of the rows as there is room for.
template <class Rows, class Messages, class Convert>
void append(const Rows& rows, Messages& messages, std::size_t bytes_max, const Convert& convert) {
  std::size_t bytes = 0;
  for (const auto& row : rows) {
    auto message = convert(row);
    bytes += message.ByteSizeLong() + 8;
    if (bytes > bytes_max || messages.size() >= kRowsMax) {
      return;
    }
    *messages.Add() = std::move(message);
  }
}

}  // namespace

std::int64_t to_ms(dsl::env::WallTime time) { return time.time_since_epoch().count(); }

pb::Record to_proto(const store::RecordRow& record, const Name& zone) {
  pb::Record out;
  out.set_id(record.id);
  out.set_name(record.name.text_below(zone));
  out.set_type(mcns::text(record.type));
  out.set_ttl(record.ttl);
  out.set_value(rdata_text(record.type, record.rdata));
  out.set_owner(record.owner);
  out.set_lease_expires_ms(record.lease_expires_at ? to_ms(*record.lease_expires_at) : 0);
  out.set_created_ms(to_ms(record.created_at));
  out.set_updated_ms(to_ms(record.updated_at));
  return out;
}

pb::Difference to_difference(const store::ChangeRow& change, const Name& zone) {
  pb::Difference out;
  out.set_added(change.added);
  out.set_name(change.name.text_below(zone));
  out.set_type(mcns::text(change.type));
  out.set_ttl(change.ttl);
  out.set_value(rdata_text(change.type, change.rdata));
  return out;
}

pb::JournalEntry to_proto(const store::ChangeRow& change, const Name& zone) {
  pb::JournalEntry out;
  out.set_id(change.id);
  out.set_serial_from(change.serial_from);
  out.set_serial_to(change.serial_to);
  *out.mutable_difference() = to_difference(change, zone);
  out.set_actor(change.actor);
  out.set_source(change.source);
  out.set_at_ms(to_ms(change.at));
  return out;
}

pb::Zone to_proto(const store::ZoneRow& row, const zone::Zone* loaded, dsl::env::WallTime now) {
  pb::Zone out;
  out.set_name(zone_text(row.origin));
  out.set_primary_ns(row.soa.primary_ns.text());
  out.set_admin_email(mailbox_text(row.soa.admin_email));
  out.set_refresh(row.soa.refresh_s);
  out.set_retry(row.soa.retry_s);
  out.set_expire(row.soa.expire_s);
  out.set_minimum_ttl(row.soa.minimum_ttl_s);
  out.set_default_ttl(row.default_ttl);
  out.set_serial(row.soa.serial);
  out.set_serial_policy(std::string(store::text(row.serial_policy)));
  if (row.serial_policy == store::SerialPolicy::kDate) {
    out.set_serial_ahead(serial_ahead(row.soa.serial, now));
  }
  out.set_auto_ptr(row.auto_ptr);
  if (loaded != nullptr) {
    out.set_names(loaded->names());
    out.set_records(loaded->records());
  }
  out.set_created_ms(to_ms(row.created_at));
  out.set_updated_ms(to_ms(row.updated_at));
  return out;
}

pb::Outcome to_proto(const Outcome& outcome, const Name& zone) {
  pb::Outcome out;
  out.set_zone(zone_text(zone));
  out.set_serial(outcome.serial);
  out.set_changed(outcome.changed);
  for (const std::string& warning : outcome.warnings) {
    out.add_warnings(warning);
  }
  out.set_added(outcome.added);
  out.set_removed(outcome.removed);
  append(outcome.changes, *out.mutable_changes(), kChangesBytesMax,
         [&](const store::ChangeRow& change) { return to_difference(change, zone); });
  append(outcome.records, *out.mutable_records(), kRecordsBytesMax,
         [&](const store::RecordRow& record) { return to_proto(record, zone); });
  return out;
}

std::uint32_t serial_ahead(std::uint32_t serial, dsl::env::WallTime now) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  const auto date = static_cast<std::uint32_t>(static_cast<int>(day.year())) * 10000 +
                    static_cast<unsigned>(day.month()) * 100 + static_cast<unsigned>(day.day());
  const std::uint32_t last = date * 100 + 99;
  // RFC 1982: what is less than half of all numbers ahead is newer.
  const std::uint32_t ahead = serial - last;
  return ahead < 0x80000000U ? ahead : 0;
}

}  // namespace mcns::api
