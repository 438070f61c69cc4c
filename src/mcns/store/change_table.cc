#include "mcns/store/change_table.h"

#include <algorithm>
#include <limits>

#include "mcns/store/octets.h"

namespace mcns::store {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::db::Row;
using dsl::db::Transaction;

constexpr std::string_view kSelect =
    "SELECT id, serial_from, serial_to, op, name, type, ttl, rdata, owner, actor, source, at "
    "FROM changes WHERE zone_id = ? AND id < ? ORDER BY id DESC LIMIT ?";
constexpr std::string_view kSelectNext =
    "SELECT id, serial_from, serial_to, op, name, type, ttl, rdata, owner, actor, source, at "
    "FROM changes WHERE zone_id = ? AND id > ? ORDER BY id LIMIT ?";

Result<ChangeRow> change_from(const Row& row, const ZoneRow& zone) {
  const auto name = Name::parse(row.text(4), &zone.origin);
  const auto type = parse_type(row.text(5));
  if (!name || !type) {
    return fail(Code::kDataLoss, "change {} of zone {} is of no name or type of DNS",
                row.integer(0), zone.origin.text())
        .hint("put back a snapshot of the database");
  }
  return ChangeRow{.id = row.integer(0),
                   .zone_id = zone.id,
                   .serial_from = static_cast<std::uint32_t>(row.integer(1)),
                   .serial_to = static_cast<std::uint32_t>(row.integer(2)),
                   .added = row.text(3) == "+",
                   .name = *name,
                   .type = *type,
                   .ttl = static_cast<std::uint32_t>(row.integer(6)),
                   .rdata = Bytes(octets(row.blob(7))),
                   .owner = row.text(8),
                   .actor = row.text(9),
                   .source = row.text(10),
                   .at = row.time(11)};
}

Result<std::vector<ChangeRow>> select_changes(Transaction& tx, std::string_view select,
                                              const ZoneRow& zone, std::int64_t bound,
                                              std::size_t limit) {
  std::vector<ChangeRow> changes;
  MC_TRY(tx.query(
      select,
      [&](Row& row) -> Result<void> {
        MC_ASSIGN(ChangeRow change, change_from(row, zone));
        changes.push_back(std::move(change));
        return {};
      },
      zone.id, bound, static_cast<std::int64_t>(limit)));
  return changes;
}

}  // namespace

Result<void> each_change_backwards(Transaction& tx, const ZoneRow& zone,
                                   const std::function<Result<bool>(const ChangeRow&)>& use) {
  constexpr std::size_t kStep = 1000;
  std::int64_t before = 0;
  for (;;) {
    MC_ASSIGN(const std::vector<ChangeRow> changes, list_changes(tx, zone, before, kStep));
    for (const ChangeRow& change : changes) {
      MC_ASSIGN(const bool more, use(change));
      if (!more) {
        return {};
      }
    }
    if (changes.size() < kStep) {
      return {};
    }
    before = changes.back().id;
  }
}

Result<std::vector<ChangeRow>> list_changes(Transaction& tx, const ZoneRow& zone,
                                            std::int64_t before, std::size_t limit) {
  return select_changes(tx, kSelect, zone,
                        before == 0 ? std::numeric_limits<std::int64_t>::max() : before, limit);
}

Result<std::vector<ChangeRow>> next_changes(Transaction& tx, const ZoneRow& zone,
                                            std::int64_t after, std::size_t limit) {
  return select_changes(tx, kSelectNext, zone, after, limit);
}

Result<std::vector<ChangeRow>> changes_since(Transaction& tx, const ZoneRow& zone,
                                             std::uint32_t serial) {
  std::vector<ChangeRow> changes;
  bool found = serial == zone.soa.serial;
  if (!found) {
    MC_TRY(each_change_backwards(tx, zone, [&](const ChangeRow& change) -> Result<bool> {
      if (found && change.serial_from != serial) {
        return false;
      }
      found = found || change.serial_from == serial;
      changes.push_back(change);
      return true;
    }));
  }
  if (!found || serial == 0) {
    return fail(Code::kNotFound, "the journal of {} does not reach back to serial {}",
                zone.origin.text(), serial)
        .hint(dsl::text("`mcns history {}` shows the serials that it knows", zone.origin.text()));
  }
  std::reverse(changes.begin(), changes.end());
  return changes;
}

ChangeWriter::ChangeWriter(Transaction& tx, const ZoneRow& zone)
    : zone_(zone),
      insert_(tx.prepare(
          "INSERT INTO changes(zone_id, id, serial_from, serial_to, op, name, type, ttl, rdata, "
          "owner, actor, source, at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {}

Result<void> ChangeWriter::insert(const ChangeRow& change) {
  insert_.bind_all(zone_.id, change.id, change.serial_from, change.serial_to,
                   change.added ? "+" : "-", change.name.text_below(zone_.origin),
                   text(change.type), change.ttl, blob(change.rdata), change.owner, change.actor,
                   change.source, change.at);
  return insert_.run();
}

Result<void> copy_additions(Transaction& tx, const ZoneRow& zone, std::int64_t above,
                            const ChangeRow& like) {
  return tx.run(
      "INSERT INTO changes(zone_id, id, serial_from, serial_to, op, name, type, ttl, rdata, owner, "
      "actor, source, at) SELECT zone_id, id, ?, ?, '+', name, type, ttl, coalesce(rdata, "
      "canonical), owner, ?, ?, ? FROM records INDEXED BY records_id WHERE id > ? AND "
      "zone_id = ?",
      like.serial_from, like.serial_to, like.actor, like.source, like.at, above, zone.id);
}

Result<std::uint64_t> trim_changes(Transaction& tx, const ZoneRow& zone, std::uint64_t count) {
  if (count == 0) {
    return 0;
  }
  std::int64_t last = 0;  // of the oldest `count`
  std::int64_t serial = 0;
  MC_TRY(tx.query(
      "SELECT id, serial_to FROM changes WHERE zone_id = ? ORDER BY id LIMIT 1 OFFSET ?",
      [&](Row& row) -> Result<void> {
        last = row.integer(0);
        serial = row.integer(1);
        return {};
      },
      zone.id, static_cast<std::int64_t>(count - 1)));
  // A serial goes as a whole: half of it would be a version that never was.
  MC_TRY(tx.run(
      "DELETE FROM changes WHERE zone_id = ?1 AND id < coalesce((SELECT id FROM changes WHERE "
      "zone_id = ?1 AND id > ?2 AND serial_to <> ?3 ORDER BY id LIMIT 1), ?4)",
      zone.id, last, serial, std::numeric_limits<std::int64_t>::max()));
  return static_cast<std::uint64_t>(tx.changes());
}

Result<void> clear_changes(Transaction& tx, const ZoneRow& zone) {
  return tx.run("DELETE FROM changes WHERE zone_id = ?", zone.id);
}

}  // namespace mcns::store
