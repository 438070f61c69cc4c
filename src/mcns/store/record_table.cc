#include "mcns/store/record_table.h"

#include <charconv>

#include "mcns/store/octets.h"
#include "mcns/store/sort_key.h"

namespace mcns::store {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::db::Row;
using dsl::db::Transaction;

constexpr std::string_view kSelect =
    "SELECT id, name, type, ttl, canonical, rdata, owner, lease_expires_at, created_at, "
    "updated_at, "
    "sort_key FROM records ";
constexpr int kSortKey = 10;
// Names and types of the rows of one zone. Neighbours mostly have one name or one type.
class Labels {
 public:
  explicit Labels(const ZoneRow& zone) : zone_(zone) {}

  const Name& name() const { return name_; }
  Type type() const { return type_; }

  // Whether the name is another than that of the row before.
  Result<bool> read(const Row& row, int name_column, int type_column) {
    std::string type = row.text(type_column);
    if (type != type_text_) {
      const auto parsed = parse_type(type);
      if (!parsed) {
        return damaged(row.text(name_column), type, "it has no type of DNS");
      }
      type_ = *parsed;
      type_text_ = std::move(type);
    }
    std::string name = row.text(name_column);
    if (name == name_text_) {
      return false;
    }
    auto parsed = Name::parse(name, &zone_.origin);
    if (!parsed) {
      return damaged(name, type_text_, parsed.error().message());
    }
    name_ = std::move(*parsed);
    name_text_ = std::move(name);
    return true;
  }

 private:
  dsl::Failure damaged(std::string_view name, std::string_view type, std::string_view why) const {
    return fail(Code::kDataLoss, "the record {} {} of zone {}: {}", name, type, zone_.origin.text(),
                why)
        .hint("put back a snapshot of the database");
  }

  const ZoneRow& zone_;
  std::string name_text_;
  Name name_;
  std::string type_text_;
  Type type_ = Type::kA;
};

Result<RecordRow> record_from(const Row& row, const ZoneRow& zone, Labels& labels) {
  MC_TRY(labels.read(row, 1, 2));
  RecordRow record{.id = row.integer(0),
                   .zone_id = zone.id,
                   .name = labels.name(),
                   .type = labels.type(),
                   .ttl = static_cast<std::uint32_t>(row.integer(3)),
                   .canonical = Bytes(octets(row.blob(4))),
                   .owner = row.text(6),
                   .created_at = row.time(8),
                   .updated_at = row.time(9)};
  record.rdata = row.is_null(5) ? record.canonical : Bytes(octets(row.blob(5)));
  if (!row.is_null(7)) {
    record.lease_expires_at = row.time(7);
  }
  return record;
}

std::string hex(BytesView octets) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : octets) {
    const auto value = static_cast<std::uint8_t>(c);
    out += kDigits[value >> 4U];
    out += kDigits[value & 15U];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  Bytes out;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    std::uint8_t value = 0;
    const auto parsed = std::from_chars(text.data() + at, text.data() + at + 2, value, 16);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + at + 2) {
      return std::nullopt;
    }
    out += static_cast<char>(value);
  }
  return text.size() % 2 == 0 ? std::optional(out) : std::nullopt;
}

// Behind which record a page begins.
struct Cursor {
  Bytes key;
  std::string type;
  Bytes canonical;

  // "hex.TYPE.hex"
  std::string text() const { return dsl::text("{}.{}.{}", hex(key), type, hex(canonical)); }

  static Result<Cursor> parse(std::string_view text) {
    const std::size_t first = text.find('.');
    const std::size_t second = text.rfind('.');
    if (first != std::string_view::npos && second > first) {
      const auto key = from_hex(text.substr(0, first));
      const auto canonical = from_hex(text.substr(second + 1));
      if (key && canonical) {
        return Cursor{*key, std::string(text.substr(first + 1, second - first - 1)), *canonical};
      }
    }
    return fail(Code::kInvalidArgument, "\"{}\" is not the cursor of a page of records", text)
        .hint("give the one that came with the page before, or none for the first page");
  }
};

Result<void> each_row(Transaction& tx, const ZoneRow& zone, std::string_view sql,
                      const std::function<Result<void>(RecordRow&)>& use, const auto&... values) {
  Labels labels(zone);
  return tx.query(
      sql,
      [&](Row& row) -> Result<void> {
        MC_ASSIGN(RecordRow record, record_from(row, zone, labels));
        return use(record);
      },
      values...);
}

}  // namespace

Result<std::vector<RecordRow>> records_at(Transaction& tx, const ZoneRow& zone, const Name& name) {
  static const std::string sql =
      dsl::text("{}WHERE zone_id = ? AND sort_key = ? ORDER BY type, canonical", kSelect);
  std::vector<RecordRow> found;
  MC_TRY(each_row(
      tx, zone, sql,
      [&](RecordRow& record) -> Result<void> {
        found.push_back(std::move(record));
        return {};
      },
      zone.id, blob(sort_key(name, zone.origin))));
  return found;
}

Result<std::optional<RecordRow>> record_by_id(Transaction& tx, const ZoneRow& zone,
                                              std::int64_t id) {
  static const std::string sql = dsl::text("{}WHERE id = ? AND zone_id = ?", kSelect);
  std::optional<RecordRow> found;
  MC_TRY(each_row(
      tx, zone, sql,
      [&](RecordRow& record) -> Result<void> {
        found = std::move(record);
        return {};
      },
      id, zone.id));
  return found;
}

Result<RecordPage> list_records(Transaction& tx, const ZoneRow& zone, const RecordFilter& filter,
                                std::string_view cursor, std::size_t limit) {
  // A name is looked up, the rest is looked through.
  static const std::string of_name = dsl::text(
      "{}WHERE zone_id = ?1 AND sort_key = ?2 AND (sort_key, type, canonical) > (?3, ?4, ?5) "
      "AND (?6 IS NULL OR type = ?6) AND (?7 IS NULL OR owner = ?7) "
      "ORDER BY sort_key, type, canonical LIMIT ?8",
      kSelect);
  static const std::string of_zone = dsl::text(
      "{}WHERE zone_id = ?1 AND ?2 IS NULL AND (sort_key, type, canonical) > (?3, ?4, ?5) "
      "AND (?6 IS NULL OR type = ?6) AND (?7 IS NULL OR owner = ?7) "
      "ORDER BY sort_key, type, canonical LIMIT ?8",
      kSelect);
  Cursor from;
  if (!cursor.empty()) {
    MC_ASSIGN(from, Cursor::parse(cursor));
  }
  std::optional<Bytes> key;
  std::optional<dsl::db::Blob> key_blob;
  if (filter.name) {
    if (!filter.name->is_within(zone.origin)) {
      return RecordPage();
    }
    key = sort_key(*filter.name, zone.origin);
    key_blob = blob(*key);
  }
  std::optional<std::string> type;
  if (filter.type) {
    type = text(*filter.type);
  }
  RecordPage page;
  MC_TRY(each_row(
      tx, zone, key ? of_name : of_zone,
      [&](RecordRow& record) -> Result<void> {
        page.records.push_back(std::move(record));
        return {};
      },
      zone.id, key_blob, blob(from.key), from.type, blob(from.canonical), type, filter.owner,
      static_cast<std::int64_t>(limit) + 1));
  if (page.records.size() > limit) {
    page.records.pop_back();
    const RecordRow& last = page.records.back();
    page.next = Cursor{sort_key(last.name, zone.origin), text(last.type), last.canonical}.text();
  }
  return page;
}

Result<void> each_record(Transaction& tx, const ZoneRow& zone,
                         const std::function<Result<void>(RecordRow&, BytesView)>& use) {
  static const std::string sql =
      dsl::text("{}WHERE zone_id = ? ORDER BY sort_key, type, canonical", kSelect);
  Labels labels(zone);
  return tx.query(
      sql,
      [&](Row& row) -> Result<void> {
        MC_ASSIGN(RecordRow record, record_from(row, zone, labels));
        return use(record, octets(row.blob(kSortKey)));
      },
      zone.id);
}

Result<void> each_served(Transaction& tx, const ZoneRow& zone,
                         const std::function<Result<void>(const ServedRecord&)>& use) {
  Labels labels(zone);
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

RecordWriter::RecordWriter(Transaction& tx, const ZoneRow& zone)
    : zone_(zone),
      insert_(tx.prepare(
          "INSERT INTO records(zone_id, sort_key, type, canonical, id, name, value, ttl, rdata, "
          "owner, lease_expires_at, created_at, updated_at) "
          "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      update_(tx.prepare("UPDATE records SET ttl = ?, owner = ?, lease_expires_at = ?, updated_at "
                         "= ? WHERE zone_id = ? AND sort_key = ? AND type = ? AND canonical = ?")),
      erase_(tx.prepare("DELETE FROM records WHERE zone_id = ? AND sort_key = ? AND type = ? AND "
                        "canonical = ?")) {}

Result<void> RecordWriter::insert(const RecordRow& record, BytesView key) {
  const auto rdata =
      record.rdata == record.canonical ? std::nullopt : std::optional(blob(record.rdata));
  insert_.bind_all(zone_.id, blob(key), text(record.type), blob(record.canonical), record.id,
                   record.name.text_below(zone_.origin), rdata_text(record.type, record.rdata),
                   record.ttl, rdata, record.owner, record.lease_expires_at, record.created_at,
                   record.updated_at);
  return insert_.run();
}

Result<void> RecordWriter::update(const RecordRow& record, BytesView key) {
  update_.bind_all(record.ttl, record.owner, record.lease_expires_at, record.updated_at, zone_.id,
                   blob(key), text(record.type), blob(record.canonical));
  return update_.run();
}

Result<void> RecordWriter::erase(const RecordRow& record, BytesView key) {
  erase_.bind_all(zone_.id, blob(key), text(record.type), blob(record.canonical));
  return erase_.run();
}

}  // namespace mcns::store
