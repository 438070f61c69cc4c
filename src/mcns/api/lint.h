// What is wrong with a zone, or will be: looked for in its rows and in what is served.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mcns/store/records.h"
#include "mcns/zone/store.h"

namespace mcns::api {

struct LintFinding {
  enum class Severity { kWarn, kFail };
  Severity severity = Severity::kWarn;
  Name name;
  std::string finding;
  std::string fix;
};

// `records`: all of the zone, in canonical order, without its SOA; `version`: what is served, for
// names of this zone and of others.
std::vector<LintFinding> lint_zone(const store::ZoneRow& zone,
                                   const std::vector<store::RecordRow>& records,
                                   const zone::Version& version, dsl::env::WallTime now);

}  // namespace mcns::api
