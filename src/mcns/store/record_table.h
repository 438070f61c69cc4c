// Records as rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/store/records.h"

namespace mcns::store {

// All records of `name`, which is in the zone, by type and canonical form.
dsl::Result<std::vector<RecordRow>> records_at(dsl::db::Transaction& tx, const ZoneRow& zone,
                                               const Name& name);
// Whether the name with that key (sort_key.h) has a record of the type.
dsl::Result<bool> has_record(dsl::db::Transaction& tx, const ZoneRow& zone, BytesView key,
                             Type type);
dsl::Result<std::optional<RecordRow>> record_by_id(dsl::db::Transaction& tx, const ZoneRow& zone,
                                                   std::int64_t id);

// What a list shows; what is not given is not asked for.
struct RecordFilter {
  std::optional<Name> name;
  std::optional<Type> type;
  std::optional<std::string> owner;
};
struct RecordPage {
  std::vector<RecordRow> records;
  std::string next;  // for the page behind this one; empty at the end
};
// In canonical order of names. `cursor` is `next` of the page before, or empty. kInvalidArgument.
dsl::Result<RecordPage> list_records(dsl::db::Transaction& tx, const ZoneRow& zone,
                                     const RecordFilter& filter, std::string_view cursor,
                                     std::size_t limit);

// Every record of the zone in canonical order of names, those of a name by type. `key` is that of
// its name and valid during the call.
dsl::Result<void> each_record(
    dsl::db::Transaction& tx, const ZoneRow& zone,
    const std::function<dsl::Result<void>(RecordRow& record, BytesView key)>& use);

// What of a record is answered; valid during the call that gets it.
struct ServedRecord {
  const Name& name;
  bool first_of_name = false;
  Type type = Type::kA;
  std::uint32_t ttl = 0;
  BytesView rdata;
};
// The same records in the same order, without what nobody is answered, and quicker.
dsl::Result<void> each_served(dsl::db::Transaction& tx, const ZoneRow& zone,
                              const std::function<dsl::Result<void>(const ServedRecord&)>& use);

// What a record is compared by when a whole zone is; valid during the call that gets it.
struct ComparedRecord {
  BytesView key;  // of its name, see sort_key.h
  Type type = Type::kA;
  std::uint32_t ttl = 0;
  BytesView canonical;
  BytesView rdata;
  std::string_view name;  // presentation form below the zone, the case as first written
  std::string_view owner;
};
// The same records once more, by name, those of a name in any order.
dsl::Result<void> each_compared(dsl::db::Transaction& tx, const ZoneRow& zone,
                                const std::function<dsl::Result<void>(const ComparedRecord&)>& use);

// Calls `use` for the key (sort_key.h) of every name strictly below the one with the key `above`,
// until it returns false.
dsl::Result<void> each_name_below(dsl::db::Transaction& tx, const ZoneRow& zone, BytesView above,
                                  const std::function<bool(Bytes key)>& use);

// Names that have records.
dsl::Result<std::uint64_t> count_names(dsl::db::Transaction& tx, const ZoneRow& zone);

dsl::Result<std::uint64_t> count_records(dsl::db::Transaction& tx, const ZoneRow& zone);

struct ZoneCounts {
  std::uint64_t names = 0;  // with empty non-terminals
  std::uint64_t records = 0;
};
dsl::Result<ZoneCounts> count_zone(dsl::db::Transaction& tx, const ZoneRow& zone);

struct ExpiredLease {
  std::int64_t zone_id = 0;
  std::int64_t record_id = 0;
};
// Of all zones, those that ended first before the others.
dsl::Result<std::vector<ExpiredLease>> expired_leases(dsl::db::Transaction& tx,
                                                      dsl::env::WallTime now, std::size_t limit);
// When the next one ends.
dsl::Result<std::optional<dsl::env::WallTime>> next_lease(dsl::db::Transaction& tx);

// Changes the records of one zone. Confined to the transaction; both outlive it.
class RecordWriter {
 public:
  RecordWriter(dsl::db::Transaction& tx, const ZoneRow& zone) : tx_(tx), zone_(zone) {}

  // All of a row but its zone counts; `key` is that of its name.
  dsl::Result<void> insert(const RecordRow& record, BytesView key);
  // Its TTL, owner and lease.
  dsl::Result<void> update(const RecordRow& record, BytesView key);
  dsl::Result<void> erase(const RecordRow& record, BytesView key) {
    return erase(key, record.type, record.canonical);
  }
  dsl::Result<void> erase(BytesView key, Type type, BytesView canonical);
  // Its TTL alone.
  dsl::Result<void> update_ttl(BytesView key, Type type, BytesView canonical, std::uint32_t ttl,
                               dsl::env::WallTime now);
  // All records of the names with the keys `first` to `last`.
  dsl::Result<void> erase(BytesView first, BytesView last);

 private:
  // Most writes need one of them.
  dsl::db::Statement& prepared(std::optional<dsl::db::Statement>& statement, std::string_view sql);

  dsl::db::Transaction& tx_;
  const ZoneRow& zone_;
  std::optional<dsl::db::Statement> insert_;
  std::optional<dsl::db::Statement> update_;
  std::optional<dsl::db::Statement> update_ttl_;
  std::optional<dsl::db::Statement> erase_;
};

}  // namespace mcns::store
