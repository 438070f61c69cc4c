// The journal as rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/store/records.h"

namespace mcns::store {

// Newest first; `use` returns whether it wants those before too.
dsl::Result<void> each_change_backwards(
    dsl::db::Transaction& tx, const ZoneRow& zone,
    const std::function<dsl::Result<bool>(const ChangeRow&)>& use);
// Newest first, those with an id below `before` (0: from the newest on).
dsl::Result<std::vector<ChangeRow>> list_changes(dsl::db::Transaction& tx, const ZoneRow& zone,
                                                 std::int64_t before, std::size_t limit);
// Oldest first, those with an id above `after`.
dsl::Result<std::vector<ChangeRow>> next_changes(dsl::db::Transaction& tx, const ZoneRow& zone,
                                                 std::int64_t after, std::size_t limit);
// Oldest first, all of the serials behind `serial`; kNotFound when the journal does not reach back
// that far. None when it is the zone's.
dsl::Result<std::vector<ChangeRow>> changes_since(dsl::db::Transaction& tx, const ZoneRow& zone,
                                                  std::uint32_t serial);

// Adds to the journal of one zone, by rising ids. Confined to the transaction; both outlive it.
class ChangeWriter {
 public:
  ChangeWriter(dsl::db::Transaction& tx, const ZoneRow& zone);
  dsl::Result<void> insert(const ChangeRow& change);

 private:
  const ZoneRow& zone_;
  dsl::db::Statement insert_;
};

// Appends the addition of every record of the zone with a number above `above`, under that number.
// Serials, actor, source and time are those of `like`. Much quicker than one by one.
dsl::Result<void> copy_additions(dsl::db::Transaction& tx, const ZoneRow& zone, std::int64_t above,
                                 const ChangeRow& like);

// Takes away at least `count` of the oldest, and what else belongs to the last serial of them.
// Returns how many.
dsl::Result<std::uint64_t> trim_changes(dsl::db::Transaction& tx, const ZoneRow& zone,
                                        std::uint64_t count);
dsl::Result<void> clear_changes(dsl::db::Transaction& tx, const ZoneRow& zone);

}  // namespace mcns::store
