// What the API reads of the database, by page and with errors for its callers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/store/record_table.h"
#include "mcns/store/records.h"

namespace mcns::api {

using dsl::Result;

// kNotFound, with the zone that was perhaps meant.
Result<store::ZoneRow> zone_row(dsl::db::Transaction& tx, const Name& origin);
// kNotFound.
Result<store::RecordRow> record_row(dsl::db::Transaction& tx, const store::ZoneRow& zone,
                                    std::int64_t id);
// Of one name and type; may be empty.
Result<std::vector<store::RecordRow>> rrset_rows(dsl::db::Transaction& tx,
                                                 const store::ZoneRow& zone, const Name& name,
                                                 Type type);

// How much of a list one answer holds: a record may have 64 KiB, so rows alone are no bound.
struct PageLimit {
  std::size_t rows = 200;
  std::size_t bytes = 1u << 20;
};

// In canonical order of names. `token` as store::list_records has it.
Result<store::RecordPage> records_page(dsl::db::Transaction& tx, const store::ZoneRow& zone,
                                       const store::RecordFilter& filter, const std::string& token,
                                       PageLimit limit);

struct ChangeFilter {
  std::optional<Name> name;
  std::uint32_t after_serial = 0;  // 0: from the beginning of the journal
  std::uint32_t until_serial = 0;  // 0: up to now
};
struct ChangePage {
  std::vector<store::ChangeRow> rows;
  std::string next;  // token of the page that follows; empty: there is none
};
// The newest first. kNotFound when the journal does not know a serial of the filter.
Result<ChangePage> changes_page(dsl::db::Transaction& tx, const store::ZoneRow& zone,
                                const ChangeFilter& filter, const std::string& token,
                                PageLimit limit);
}  // namespace mcns::api
