// From what was committed to the version that shows it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/writer/draft.h"
#include "mcns/zone/store.h"

namespace mcns::writer {

// One new version with all of them, in this order; none when they change nothing that is answered.
// Returns the names at and below which others answer than before, none below another: zones that
// came or went, and delegations whose servers or glue changed.
std::vector<Name> publish(zone::Store& store, const std::vector<std::unique_ptr<Draft>>& drafts);

// Every zone of the database, into a store without any; `has_dname` is told of each that has a
// DNAME. kDataLoss for rows that cannot be answered.
dsl::Result<void> load(dsl::db::Transaction& tx, const std::vector<store::ZoneRow>& zones,
                       zone::Store& store,
                       const std::function<void(const store::ZoneRow&)>& has_dname);

}  // namespace mcns::writer
