// Whether a unit's data is all there: what its directory should hold by the newest point and by the
// replicas of its databases, and what it does hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/recovery/manifest.h"

namespace mcp::recovery {

// A database of a unit that some mirror has a replica of.
struct UnitReplica {
  std::string database;              // path below the unit's root
  std::vector<std::string> mirrors;  // directories in which it has its folder
  // Of the mirror's folder, which its service has made: so a restored database is the service's.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// Where one unit's data lies, and where copies of it are.
struct UnitPlace {
  std::string name;
  std::string root;                  // "/srv/mcr"
  std::vector<std::string> mirrors;  // "/srv/replicas/mcr"; those that are not there do not count
};

// The replicas that its mirrors have. Where a database of that name lies in the unit is told by
// `point`, the newest one that has the unit (null = none), else it is at the top.
// kFailedPrecondition when the point has two of one name, none at the top.
Result<std::vector<UnitReplica>> find_replicas(dsl::env::Env& env, const UnitPlace& unit,
                                               const Manifest* point);

enum class Loss {
  kDirectoryMissing,
  kDirectoryEmpty,
  kDatabaseMissing,
  kDatabaseDamaged,
  kFileMissing,  // that the point has: it may also have been removed on purpose
};

struct LostItem {
  Loss loss = Loss::kFileMissing;
  std::string path;  // below the unit's root; empty = the root itself
  std::string why;   // of damage
  // A missing database that is replicated. Without that, it may have been removed on purpose, as
  // any file may.
  bool replicated = false;
};

struct UnitLosses {
  std::vector<LostItem> items;

  // All of it, so that it is made anew.
  bool whole() const;
  // Something that is not gone on purpose.
  bool certain() const;
  // Those alone.
  UnitLosses certain_ones() const;
  std::size_t count(Loss loss) const;
};

// Looks, and changes nothing; the unit's service may run. Every page of every database is read.
Result<UnitLosses> find_losses(dsl::env::Env& env, const UnitPlace& unit, const Manifest* point,
                               const std::vector<UnitReplica>& replicas);

// "its directory is gone", "2 databases are gone (a.db, b.db) and 14 files"
std::string to_text(const UnitLosses& losses);

}  // namespace mcp::recovery
