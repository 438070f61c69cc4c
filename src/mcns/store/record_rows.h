// Rows of the table of records as values. Private to mcns::store.
#pragma once

#include <string>
#include <string_view>

#include "dsl/db/database.h"
#include "mcns/store/records.h"

namespace mcns::store {

// Names and types of the rows of one zone. Neighbours mostly have one name or one type.
class RecordLabels {
 public:
  explicit RecordLabels(const ZoneRow& zone) : zone_(zone) {}

  const Name& name() const { return name_; }
  Type type() const { return type_; }

  // Whether the name is another than that of the row before. kDataLoss.
  dsl::Result<bool> read(const dsl::db::Row& row, int name_column, int type_column);

 private:
  dsl::Failure damaged(std::string_view name, std::string_view type, std::string_view why) const;

  const ZoneRow& zone_;
  std::string name_text_;
  Name name_;
  std::string type_text_;
  Type type_ = Type::kA;
};

// What record_from reads.
inline constexpr std::string_view kSelectRecords =
    "SELECT id, name, type, ttl, canonical, rdata, owner, lease_expires_at, created_at, "
    "updated_at, sort_key FROM records ";
inline constexpr int kSortKeyColumn = 10;

dsl::Result<RecordRow> record_from(const dsl::db::Row& row, const ZoneRow& zone,
                                   RecordLabels& labels);

// Calls use(record) for the rows of `sql`, which begins with kSelectRecords.
template <class Use, class... Values>
dsl::Result<void> each_record_row(dsl::db::Transaction& tx, const ZoneRow& zone,
                                  std::string_view sql, const Use& use, const Values&... values) {
  RecordLabels labels(zone);
  return tx.query(
      sql,
      [&](dsl::db::Row& row) -> dsl::Result<void> {
        MC_ASSIGN(RecordRow record, record_from(row, zone, labels));
        use(std::move(record));
        return {};
      },
      values...);
}

}  // namespace mcns::store
