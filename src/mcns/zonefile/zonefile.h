// Zone files (RFC 1035 section 5): read with places for errors, written in canonical order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "mcns/wire/message.h"

namespace mcns {

struct ZonefileOptions {
  Name origin;                               // until the first $ORIGIN
  std::optional<std::uint32_t> default_ttl;  // until $TTL; else that of the record before
  std::string include_dir;                   // $INCLUDE below it only; empty = refused
  std::size_t errors_max = 100;              // reading ends with this many
  std::uint64_t generate_max = 65536;        // records of one $GENERATE
};

// Reads `text`, named `name` in errors, and calls `record` for each resource record in the order of
// the file, with its line. Reading goes on after an error so that all are found; kUnprocessable
// then has one detail for each, `where` being "file:line:column". What `record` returns as an error
// is one of them. $ORIGIN, $TTL, $INCLUDE, $GENERATE, parentheses, comments, escapes, TTL units
// (1h30m), class and TTL in either order, RFC 3597 types.
dsl::Result<void> read_zonefile(
    dsl::env::Env& env, std::string_view name, std::string_view text,
    const ZonefileOptions& options,
    const std::function<dsl::Result<void>(Record record, int line)>& record);

// The same zone gives the same bytes: $ORIGIN and $TTL, SOA, then by canonical order of names,
// types and rdata, one record a line. `records` hold the SOA; their order does not matter.
std::string write_zonefile(const Name& origin, std::uint32_t default_ttl,
                           const std::vector<Record>& records);

}  // namespace mcns
