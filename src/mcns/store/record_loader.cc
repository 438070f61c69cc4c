#include "mcns/store/record_loader.h"

#include <optional>

#include "mcns/rdata/rdata.h"
#include "mcns/store/octets.h"

namespace mcns::store {
namespace {

using dsl::Result;

constexpr std::size_t kRows = 64;    // of one statement
constexpr int kShared = 3;           // its first parameters
constexpr int kParametersOfRow = 8;  // and those of each row

std::string insert_sql(std::size_t rows) {
  std::string sql =
      "INSERT INTO records(zone_id, sort_key, type, canonical, id, name, value, ttl, rdata, owner, "
      "lease_expires_at, created_at, updated_at) VALUES";
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t first = kShared + 1 + i * kParametersOfRow;
    sql += i == 0 ? "(?1" : ", (?1";
    for (std::size_t j = 0; j < kParametersOfRow; ++j) {
      sql += dsl::text(", ?{}", first + j);
    }
    sql += ", ?2, NULL, ?3, ?3)";
  }
  return sql;
}

}  // namespace

RecordLoader::RecordLoader(dsl::db::Transaction& tx, const ZoneRow& zone, const std::string& owner,
                           dsl::env::WallTime now)
    : tx_(tx), zone_(zone), owner_(owner), now_(now), pending_(kRows), many_([&tx] {
        static const std::string sql = insert_sql(kRows);
        return tx.prepare(sql);
      }()) {}

Result<void> RecordLoader::add(const Row& row, const Name& name) {
  pending_[count_++] = {row, name.text_below(zone_.origin), rdata_text(row.type, row.rdata)};
  if (count_ < kRows) {
    return {};
  }
  count_ = 0;
  return insert(many_, pending_.data(), kRows);
}

Result<void> RecordLoader::finish() {
  static const std::string sql = insert_sql(1);
  dsl::db::Statement one = tx_.prepare(sql);
  for (std::size_t i = 0; i < count_; ++i) {
    MC_TRY(insert(one, &pending_[i], 1));
  }
  count_ = 0;
  return {};
}

Result<void> RecordLoader::insert(dsl::db::Statement& statement, const Pending* rows,
                                  std::size_t count) {
  statement.bind(1, zone_.id);
  statement.bind(2, owner_);
  statement.bind(3, now_);
  int at = kShared;
  for (const Pending* pending = rows; pending != rows + count; ++pending) {
    const Row& row = pending->row;
    const auto rdata = row.rdata == row.canonical ? std::nullopt : std::optional(blob(row.rdata));
    statement.bind(++at, blob(row.key));
    statement.bind(++at, text(row.type));
    statement.bind(++at, blob(row.canonical));
    statement.bind(++at, row.id);
    statement.bind(++at, pending->name);
    statement.bind(++at, pending->value);
    statement.bind(++at, row.ttl);
    statement.bind(++at, rdata);
  }
  return statement.run();
}

}  // namespace mcns::store
