// Brings units back from a point. Plans first; what is live is renamed and never written over.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/recovery/manifest.h"
#include "mcp/recovery/point_reader.h"

namespace mcp::recovery {

struct RestoreRequest {
  std::vector<std::string> units;  // empty = all of the point
  std::string to;                  // a new directory instead of where they lay
  // Other places than those where they lay, by the unit's name.
  std::map<std::string, std::string> roots;
  std::string images_to;  // a directory for images' archives; empty = they are left out
};

struct RestoreStep {
  std::string unit;
  std::string root;       // where it will be
  std::string set_aside;  // where what is there now goes; empty = nothing is there
  bool shares_root = false;
  std::uint64_t bytes = 0;
  std::size_t files = 0;
  std::size_t databases = 0;
  std::int64_t live_newest_ms = 0;  // of what is there now; 0 = nothing
};

struct RestorePlan {
  Manifest manifest;
  std::vector<RestoreStep> steps;
  std::string images_to;
  std::uint64_t bytes_needed = 0;
};

// `manifest` was read from the point. Changes nothing. kNotFound names a unit that is not in it;
// kNoSpace; kAlreadyExists for a `to` that has such a unit.
Result<RestorePlan> plan_restore(dsl::env::Env& env, const RestoreRequest& request,
                                 Manifest manifest);

using RestoreProgress = std::function<void(const std::string& unit, std::uint64_t bytes)>;

// Unpacks beside the places, checks all of it, then exchanges the names unit by unit. Until every
// byte was found in order nothing live is touched. A cut at any moment leaves each unit as it was
// or as it shall be, and what was live in "<parent>/.trash"; the same restore can be run again.
Result<void> carry_out(dsl::env::Env& env, const RestorePlan& plan, const PointSource& source,
                       const ReadKeys& keys, const RestoreProgress& progress);

// The newest restore of this directory's trash that was not undone. kNotFound.
Result<std::string> last_record(dsl::env::Env& env, const std::string& parent);

// The units that it changed.
Result<std::vector<std::string>> units_of_record(dsl::env::Env& env, const std::string& record);

struct Undone {
  std::string unit;
  std::string root;
  std::string set_aside;  // what the restore had put there
};
// Takes back what `record` ("<parent>/.trash/restore-<time>.json") tells of. Nothing is removed:
// what the restore had put there is set aside in its turn.
Result<std::vector<Undone>> undo_restore(dsl::env::Env& env, const std::string& record);

}  // namespace mcp::recovery
