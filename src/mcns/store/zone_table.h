// Zones as rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dsl/db/database.h"
#include "mcns/store/records.h"

namespace mcns::store {

// "date", "increment", "unixtime".
std::string_view text(SerialPolicy policy);
std::optional<SerialPolicy> parse_serial_policy(std::string_view text);

// In canonical order.
dsl::Result<std::vector<ZoneRow>> all_zones(dsl::db::Transaction& tx);
dsl::Result<std::optional<ZoneRow>> find_zone(dsl::db::Transaction& tx, const Name& origin);

// `last_id` is the highest number given to anything of the zone (see take_id in the writer).
dsl::Result<void> insert_zone(dsl::db::Transaction& tx, const ZoneRow& zone, std::int64_t last_id);
dsl::Result<void> update_zone(dsl::db::Transaction& tx, const ZoneRow& zone, std::int64_t last_id);
// With its records and changes. Its serial is kept.
dsl::Result<void> erase_zone(dsl::db::Transaction& tx, const ZoneRow& zone, std::int64_t last_id);

// The last serial of a zone that was there once: one of the same name has to go on from it.
dsl::Result<std::optional<std::uint32_t>> past_serial(dsl::db::Transaction& tx, const Name& origin);
// The highest number ever given.
dsl::Result<std::int64_t> last_id(dsl::db::Transaction& tx);

}  // namespace mcns::store
