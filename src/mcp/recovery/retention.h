// Which points are kept.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "dsl/env/clock.h"

namespace mcp::recovery {

struct RetentionRule {
  std::chrono::milliseconds keep_within = std::chrono::days(30);  // all that are younger
  int daily = 7;     // the newest of each of so many days that have one
  int weekly = 5;    // ISO weeks
  int monthly = 12;  // months, all by UTC
  std::chrono::milliseconds min_age = std::chrono::days(7);  // never one that is younger
};

struct RetainedPoint {
  std::string id;
  dsl::env::WallTime time{};
  bool whole = true;      // a partial point satisfies no rule
  bool verified = false;  // read and found in order
  bool pinned = false;    // kept whatever the rules say
};

// Ids to remove, oldest first. Never the last whole one, and never the last verified one.
std::vector<std::string> to_prune(const RetentionRule& rule, std::vector<RetainedPoint> points,
                                  dsl::env::WallTime now);

}  // namespace mcp::recovery
