#include "mcns/store/record_table.h"

#include <algorithm>

#include "mcns/rdata/rdata.h"
#include "mcns/store/octets.h"
#include "mcns/store/record_rows.h"
#include "mcns/store/sort_key.h"

namespace mcns::store {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::db::Row;
using dsl::db::Transaction;

namespace {

// `key` and the names above it that are neither `last`, the key before it, nor above that.
std::uint64_t names_between(const Bytes& last, const Bytes& key) {
  std::uint64_t names = 0;
  std::size_t end = 0;
  while (end < key.size()) {
    end = std::min(key.find('\0', end + 1), key.size());
    const BytesView name = BytesView(key).substr(0, end);
    const bool is_known = last.starts_with(name) && (last.size() == end || last[end] == '\0');
    names += is_known ? 0 : 1;
  }
  return names;
}

}  // namespace

Result<std::vector<RecordRow>> records_at(Transaction& tx, const ZoneRow& zone, const Name& name) {
  static const std::string sql =
      dsl::text("{}WHERE zone_id = ? AND sort_key = ? ORDER BY type, canonical", kSelectRecords);
  std::vector<RecordRow> found;
  MC_TRY(each_record_row(
      tx, zone, sql, [&](RecordRow record) { found.push_back(std::move(record)); }, zone.id,
      blob(sort_key(name, zone.origin))));
  return found;
}

Result<bool> has_record(Transaction& tx, const ZoneRow& zone, BytesView key, Type type) {
  bool found = false;
  MC_TRY(tx.query(
      "SELECT 1 FROM records WHERE zone_id = ? AND sort_key = ? AND type = ? LIMIT 1",
      [&](Row&) -> Result<void> {
        found = true;
        return {};
      },
      zone.id, blob(key), text(type)));
  return found;
}

Result<std::optional<RecordRow>> record_by_id(Transaction& tx, const ZoneRow& zone,
                                              std::int64_t id) {
  static const std::string sql = dsl::text("{}WHERE id = ? AND zone_id = ?", kSelectRecords);
  std::optional<RecordRow> found;
  MC_TRY(each_record_row(
      tx, zone, sql, [&](RecordRow record) { found = std::move(record); }, id, zone.id));
  return found;
}

Result<void> each_record(Transaction& tx, const ZoneRow& zone,
                         const std::function<Result<void>(RecordRow&, BytesView)>& use) {
  static const std::string sql =
      dsl::text("{}WHERE zone_id = ? ORDER BY sort_key, type, canonical", kSelectRecords);
  RecordLabels labels(zone);
  return tx.query(
      sql,
      [&](Row& row) -> Result<void> {
        MC_ASSIGN(RecordRow record, record_from(row, zone, labels));
        return use(record, octets(row.blob(kSortKeyColumn)));
      },
      zone.id);
}

Result<void> each_served(Transaction& tx, const ZoneRow& zone,
                         const std::function<Result<void>(const ServedRecord&)>& use) {
  RecordLabels labels(zone);
  return tx.query(
      "SELECT name, type, ttl, canonical, rdata FROM records WHERE zone_id = ? "
      "ORDER BY sort_key, type, canonical",
      [&](Row& row) -> Result<void> {
        MC_ASSIGN(const bool first_of_name, labels.read(row, 0, 1));
        return use({.name = labels.name(),
                    .first_of_name = first_of_name,
                    .type = labels.type(),
                    .ttl = static_cast<std::uint32_t>(row.integer(2)),
                    .rdata = octets(row.blob(row.is_null(4) ? 3 : 4))});
      },
      zone.id);
}

Result<void> each_compared(Transaction& tx, const ZoneRow& zone,
                           const std::function<Result<void>(const ComparedRecord&)>& use) {
  std::string type_text;
  Type type = Type::kA;
  return tx.query(
      "SELECT sort_key, type, ttl, canonical, rdata, name, owner FROM records WHERE zone_id = ? "
      "ORDER BY sort_key",
      [&](Row& row) -> Result<void> {
        const BytesView name = octets(row.blob(5));
        if (const BytesView own_type = octets(row.blob(1)); own_type != type_text) {
          type_text = own_type;
          const auto parsed = parse_type(type_text);
          if (!parsed) {
            return fail(Code::kDataLoss, "the record {} {} of zone {}: it has no type of DNS", name,
                        type_text, zone.origin.text())
                .hint("put back a snapshot of the database");
          }
          type = *parsed;
        }
        return use({.key = octets(row.blob(0)),
                    .type = type,
                    .ttl = static_cast<std::uint32_t>(row.integer(2)),
                    .canonical = octets(row.blob(3)),
                    .rdata = octets(row.blob(row.is_null(4) ? 3 : 4)),
                    .name = name,
                    .owner = octets(row.blob(6))});
      },
      zone.id);
}

Result<void> each_name_below(Transaction& tx, const ZoneRow& zone, BytesView above,
                             const std::function<bool(Bytes key)>& use) {
  // What lies below begins with the key and an octet 0; below the apex is all but the apex.
  const Bytes from = above.empty() ? Bytes() : Bytes(above) + '\0';
  const Bytes to = above.empty() ? Bytes(kNameMax, '\xff') : Bytes(above) + '\1';
  Bytes last = from;
  bool more = true;
  while (more) {
    more = false;
    MC_TRY(tx.query(
        "SELECT sort_key FROM records WHERE zone_id = ? AND sort_key > ? AND sort_key < ? "
        "ORDER BY sort_key LIMIT 1",
        [&](Row& row) -> Result<void> {
          last = Bytes(octets(row.blob(0)));
          more = true;
          return {};
        },
        zone.id, blob(last), blob(to)));
    more = more && use(last);
  }
  return {};
}

Result<std::uint64_t> count_names(Transaction& tx, const ZoneRow& zone) {
  std::uint64_t count = 0;
  MC_TRY(tx.query(
      "SELECT count(DISTINCT sort_key) FROM records WHERE zone_id = ?",
      [&](Row& row) -> Result<void> {
        count = static_cast<std::uint64_t>(row.integer(0));
        return {};
      },
      zone.id));
  return count;
}

Result<std::uint64_t> count_records(Transaction& tx, const ZoneRow& zone) {
  std::uint64_t count = 0;
  MC_TRY(tx.query(
      "SELECT count(*) FROM records WHERE zone_id = ?",
      [&](Row& row) -> Result<void> {
        count = static_cast<std::uint64_t>(row.integer(0));
        return {};
      },
      zone.id));
  return count;
}

Result<ZoneCounts> count_zone(Transaction& tx, const ZoneRow& zone) {
  ZoneCounts counts{.names = 1};  // the apex
  Bytes last;
  MC_TRY(tx.query(
      "SELECT sort_key, count(*) FROM records WHERE zone_id = ? GROUP BY sort_key "
      "ORDER BY sort_key",
      [&](Row& row) -> Result<void> {
        Bytes key(octets(row.blob(0)));
        counts.names += names_between(last, key);
        counts.records += static_cast<std::uint64_t>(row.integer(1));
        last = std::move(key);
        return {};
      },
      zone.id));
  return counts;
}

Result<std::vector<ExpiredLease>> expired_leases(Transaction& tx, dsl::env::WallTime now,
                                                 std::size_t limit) {
  std::vector<ExpiredLease> expired;
  MC_TRY(tx.query(
      "SELECT zone_id, id FROM records WHERE lease_expires_at <= ? ORDER BY lease_expires_at LIMIT "
      "?",
      [&](Row& row) -> Result<void> {
        expired.push_back({row.integer(0), row.integer(1)});
        return {};
      },
      now, static_cast<std::int64_t>(limit)));
  return expired;
}

Result<std::optional<dsl::env::WallTime>> next_lease(Transaction& tx) {
  std::optional<dsl::env::WallTime> next;
  MC_TRY(tx.query("SELECT min(lease_expires_at) FROM records WHERE lease_expires_at IS NOT NULL",
                  [&](Row& row) -> Result<void> {
                    if (!row.is_null(0)) {
                      next = row.time(0);
                    }
                    return {};
                  }));
  return next;
}

dsl::db::Statement& RecordWriter::prepared(std::optional<dsl::db::Statement>& statement,
                                           std::string_view sql) {
  if (!statement) {
    statement.emplace(tx_.prepare(sql));
  }
  return *statement;
}

Result<void> RecordWriter::insert(const RecordRow& record, BytesView key) {
  dsl::db::Statement& insert = prepared(
      insert_,
      "INSERT INTO records(zone_id, sort_key, type, canonical, id, name, value, ttl, rdata, owner, "
      "lease_expires_at, created_at, updated_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const auto rdata =
      record.rdata == record.canonical ? std::nullopt : std::optional(blob(record.rdata));
  insert.bind_all(zone_.id, blob(key), text(record.type), blob(record.canonical), record.id,
                  record.name.text_below(zone_.origin), rdata_text(record.type, record.rdata),
                  record.ttl, rdata, record.owner, record.lease_expires_at, record.created_at,
                  record.updated_at);
  return insert.run();
}

Result<void> RecordWriter::update(const RecordRow& record, BytesView key) {
  dsl::db::Statement& update = prepared(
      update_,
      "UPDATE records SET ttl = ?, owner = ?, lease_expires_at = ?, updated_at = ? WHERE zone_id = "
      "? AND sort_key = ? AND type = ? AND canonical = ?");
  update.bind_all(record.ttl, record.owner, record.lease_expires_at, record.updated_at, zone_.id,
                  blob(key), text(record.type), blob(record.canonical));
  return update.run();
}

Result<void> RecordWriter::update_ttl(BytesView key, Type type, BytesView canonical,
                                      std::uint32_t ttl, dsl::env::WallTime now) {
  dsl::db::Statement& update =
      prepared(update_ttl_,
               "UPDATE records SET ttl = ?, updated_at = ? WHERE zone_id = ? AND sort_key = ? AND "
               "type = ? AND canonical = ?");
  update.bind_all(ttl, now, zone_.id, blob(key), text(type), blob(canonical));
  return update.run();
}

Result<void> RecordWriter::erase(BytesView key, Type type, BytesView canonical) {
  dsl::db::Statement& erase = prepared(
      erase_,
      "DELETE FROM records WHERE zone_id = ? AND sort_key = ? AND type = ? AND canonical = ?");
  erase.bind_all(zone_.id, blob(key), text(type), blob(canonical));
  return erase.run();
}

Result<void> RecordWriter::erase(BytesView first, BytesView last) {
  return tx_.run("DELETE FROM records WHERE zone_id = ? AND sort_key BETWEEN ? AND ?", zone_.id,
                 blob(first), blob(last));
}

}  // namespace mcns::store
