// Many new records of a zone.
#pragma once

#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/store/records.h"

namespace mcns::store {

// Inserts records of one owner and time that have no lease, some dozens with each statement: most
// of what one costs is to begin and to end it. They are quickest in the order of their keys.
// Confined to the transaction, which outlives it, as `zone` does.
class RecordLoader {
 public:
  RecordLoader(dsl::db::Transaction& tx, const ZoneRow& zone, const std::string& owner,
               dsl::env::WallTime now);

  // The views have to be valid until `finish`.
  struct Row {
    std::int64_t id = 0;
    BytesView key;  // sort_key.h
    Type type = Type::kA;
    std::uint32_t ttl = 0;
    BytesView rdata;
    BytesView canonical;
  };
  dsl::Result<void> add(const Row& row, const Name& name);
  // What is left.
  dsl::Result<void> finish();

 private:
  struct Pending {
    Row row;
    std::string name;
    std::string value;
  };
  dsl::Result<void> insert(dsl::db::Statement& statement, const Pending* rows, std::size_t count);

  dsl::db::Transaction& tx_;
  const ZoneRow& zone_;
  const std::string owner_;
  const dsl::env::WallTime now_;
  std::vector<Pending> pending_;
  std::size_t count_ = 0;  // of those pending
  dsl::db::Statement many_;
};

}  // namespace mcns::store
