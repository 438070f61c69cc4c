#include "mcns/store/zone_table.h"

#include <algorithm>
#include <array>
#include <string>

namespace mcns::store {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::db::Row;
using dsl::db::Transaction;

// In the order of SerialPolicy.
constexpr std::array<std::string_view, 3> kPolicies = {"date", "increment", "unixtime"};

constexpr std::string_view kSelect =
    "SELECT id, name, primary_ns, admin_email, serial, refresh, retry, expire, minimum_ttl, "
    "soa_ttl, "
    "default_ttl, serial_policy, auto_ptr, journal_rows, created_at, updated_at FROM zones";

std::uint32_t number(const Row& row, int column) {
  return static_cast<std::uint32_t>(row.integer(column));
}

Result<ZoneRow> zone_from(const Row& row) {
  const auto damaged = [&](const dsl::Error& error) {
    return fail(Code::kDataLoss, "the row of zone {}: {}", row.text(1), error.message())
        .hint("put back a snapshot of the database");
  };
  const auto origin = Name::parse(row.text(1));
  const auto primary_ns = Name::parse(row.text(2));
  const auto admin_email = Name::parse(row.text(3));
  for (const auto* name : {&origin, &primary_ns, &admin_email}) {
    if (!*name) {
      return damaged(name->error());
    }
  }
  return ZoneRow{.id = row.integer(0),
                 .origin = *origin,
                 .soa = {.primary_ns = *primary_ns,
                         .admin_email = *admin_email,
                         .serial = number(row, 4),
                         .refresh_s = number(row, 5),
                         .retry_s = number(row, 6),
                         .expire_s = number(row, 7),
                         .minimum_ttl_s = number(row, 8)},
                 .soa_ttl = number(row, 9),
                 .default_ttl = number(row, 10),
                 .serial_policy = parse_serial_policy(row.text(11)).value_or(SerialPolicy::kDate),
                 .auto_ptr = row.boolean(12),
                 .journal_rows = static_cast<std::uint64_t>(row.integer(13)),
                 .created_at = row.time(14),
                 .updated_at = row.time(15)};
}

}  // namespace

std::string_view text(SerialPolicy policy) { return kPolicies[static_cast<std::size_t>(policy)]; }

std::optional<SerialPolicy> parse_serial_policy(std::string_view text) {
  const auto found = std::find(kPolicies.begin(), kPolicies.end(), text);
  return found == kPolicies.end()
             ? std::nullopt
             : std::optional(static_cast<SerialPolicy>(found - kPolicies.begin()));
}

Result<std::vector<ZoneRow>> all_zones(Transaction& tx) {
  std::vector<ZoneRow> zones;
  MC_TRY(tx.query(kSelect, [&](Row& row) -> Result<void> {
    MC_ASSIGN(ZoneRow zone, zone_from(row));
    zones.push_back(std::move(zone));
    return {};
  }));
  std::sort(zones.begin(), zones.end(),
            [](const ZoneRow& a, const ZoneRow& b) { return a.origin < b.origin; });
  return zones;
}

Result<std::optional<ZoneRow>> find_zone(Transaction& tx, const Name& origin) {
  static const std::string sql = dsl::text("{} WHERE name = ?", kSelect);
  std::optional<ZoneRow> found;
  MC_TRY(tx.query(
      sql,
      [&](Row& row) -> Result<void> {
        MC_ASSIGN(found, zone_from(row));
        return {};
      },
      origin.text()));
  return found;
}

Result<void> insert_zone(Transaction& tx, const ZoneRow& zone, std::int64_t last_id) {
  return tx.run(
      "INSERT INTO zones(id, name, primary_ns, admin_email, serial, refresh, retry, "
      "expire, minimum_ttl, soa_ttl, default_ttl, serial_policy, auto_ptr, journal_rows, "
      "created_at, updated_at, last_id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      zone.id, zone.origin.text(), zone.soa.primary_ns.text(), zone.soa.admin_email.text(),
      zone.soa.serial, zone.soa.refresh_s, zone.soa.retry_s, zone.soa.expire_s,
      zone.soa.minimum_ttl_s, zone.soa_ttl, zone.default_ttl, text(zone.serial_policy),
      zone.auto_ptr, static_cast<std::int64_t>(zone.journal_rows), zone.created_at, zone.updated_at,
      last_id);
}

Result<void> update_zone(Transaction& tx, const ZoneRow& zone, std::int64_t last_id) {
  return tx.run(
      "UPDATE zones SET primary_ns = ?, admin_email = ?, serial = ?, refresh = ?, retry = ?, "
      "expire = ?, minimum_ttl = ?, soa_ttl = ?, default_ttl = ?, serial_policy = ?, auto_ptr = ?, "
      "journal_rows = ?, updated_at = ?, last_id = ? WHERE id = ?",
      zone.soa.primary_ns.text(), zone.soa.admin_email.text(), zone.soa.serial, zone.soa.refresh_s,
      zone.soa.retry_s, zone.soa.expire_s, zone.soa.minimum_ttl_s, zone.soa_ttl, zone.default_ttl,
      text(zone.serial_policy), zone.auto_ptr, static_cast<std::int64_t>(zone.journal_rows),
      zone.updated_at, last_id, zone.id);
}

Result<void> erase_zone(Transaction& tx, const ZoneRow& zone, std::int64_t last_id) {
  MC_TRY(
      tx.run("INSERT INTO past_zones(name, serial, last_id) VALUES(?, ?, ?) ON CONFLICT(name) "
             "DO UPDATE SET serial = excluded.serial, last_id = excluded.last_id",
             zone.origin.text(), zone.soa.serial, last_id));
  return tx.run("DELETE FROM zones WHERE id = ?", zone.id);
}

Result<std::optional<std::uint32_t>> past_serial(Transaction& tx, const Name& origin) {
  std::optional<std::uint32_t> serial;
  MC_TRY(tx.query(
      "SELECT serial FROM past_zones WHERE name = ?",
      [&](Row& row) -> Result<void> {
        serial = number(row, 0);
        return {};
      },
      origin.text()));
  return serial;
}

Result<std::int64_t> last_id(Transaction& tx) {
  std::int64_t highest = 0;
  MC_TRY(
      tx.query("SELECT max(coalesce((SELECT max(last_id) FROM zones), 0), "
               "coalesce((SELECT max(last_id) FROM past_zones), 0))",
               [&](Row& row) -> Result<void> {
                 highest = row.integer(0);
                 return {};
               }));
  return highest;
}

}  // namespace mcns::store
