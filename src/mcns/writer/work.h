// One write on its way: what it may use, and what it will leave.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/writer/draft.h"
#include "mcns/writer/writer.h"
#include "mcns/writer/zone_map.h"

namespace mcns::writer {

// Confined to the thread that writes. `tx` ends with the transaction; the drafts live on until they
// are published.
struct Work {
  dsl::db::Transaction& tx;
  ZoneMap& zones;
  const Author& author;
  dsl::env::WallTime now;
  std::size_t journal_rows_max;
  std::vector<std::unique_ptr<Draft>> drafts;  // the first is of the zone that was asked for
  std::vector<std::string> warnings;

  // The draft of a zone that is there, made when it is first asked for.
  Draft& draft(const store::ZoneRow& zone);
  // The zone that was asked for. kNotFound, with the nearest one; kFailedPrecondition when it is
  // beyond `if_serial`.
  dsl::Result<Draft*> begin(const Name& origin, std::optional<std::uint32_t> if_serial);
  // Whether the author may change or delete it. kPermissionDenied naming the owner.
  dsl::Result<void> may_touch(const store::RecordRow& record) const;
};

}  // namespace mcns::writer
