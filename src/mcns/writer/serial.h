// SOA serials: RFC 1982 arithmetic and what comes next.
#pragma once

#include <cstdint>

#include "mcns/store/records.h"

namespace mcns::writer {

// Whether secondaries that have `than` take `serial` for newer (RFC 1982 section 3.2). Two that are
// 2^31 apart are neither newer nor older.
bool is_newer(std::uint32_t serial, std::uint32_t than);

// Of a zone that never had one.
std::uint32_t first_serial(store::SerialPolicy policy, dsl::env::WallTime now);
// Always newer than `current` and never 0. By date it is the first of the day (UTC), YYYYMMDD01,
// when `current` is older than that; else, as with an imported serial of another scheme or past 99
// changes in a day, the next number.
std::uint32_t next_serial(store::SerialPolicy policy, std::uint32_t current,
                          dsl::env::WallTime now);

}  // namespace mcns::writer
