// Seed files: where they are, and what is in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "mcns/seed/entries.h"

namespace mcns::seed {

// The files that `path` means, sorted; none when there is none.
dsl::Result<std::vector<std::string>> matching_files(dsl::env::Env& env, const std::string& path);

// "*.toml" is TOML, everything else a zone file whose origin is its name without ".zone". Every
// mistake is in the details of the error, with its place.
dsl::Result<std::vector<ZoneEntry>> read_entries(dsl::env::Env& env, const std::string& path,
                                                 std::string_view content);

// [[zone]] with [[zone.record]], as the README has it.
dsl::Result<std::vector<ZoneEntry>> read_toml(const std::string& path, std::string_view content);
// One zone; without an SOA it has to be there.
dsl::Result<std::vector<ZoneEntry>> read_zone(dsl::env::Env& env, const std::string& path,
                                              std::string_view content);

}  // namespace mcns::seed
