// What replication remembers beside the database, so that a chain goes on after a restart only
// where there is no doubt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dsl/env/env.h"
#include "dsl/replica/names.h"
#include "dsl/replica/wal.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// How a file looked. Whoever changes it, or puts another in its place, changes one of these.
struct Fingerprint {
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t changed_ns = 0;  // status change, which no program can set back
  bool operator==(const Fingerprint&) const = default;
};

Result<Fingerprint> fingerprint_of(env::FileSystem& files, const std::string& path);

struct State {
  Epoch epoch;
  bool open = false;  // else `epoch` is the last one, and is closed
  std::uint32_t generation = 0;
  WalPoint point;                // sealed up to here
  std::string previous;          // digest of the last object's header line
  std::uint64_t log_before = 0;  // the length of the log of the generation before
  env::WallTime last_commit{};
  env::WallTime opened{};  // when the base was copied
  std::uint64_t base_bytes = 0;
  std::uint64_t log_bytes = 0;  // sealed in this epoch
  std::uint64_t segments = 0;   // likewise
  std::string recipients;       // who can open the epoch: a digest
  // The database file since our last checkpoint: nothing but a checkpoint writes to it.
  Fingerprint database;
  bool operator==(const State&) const = default;
};

// Nothing when there is none, or none that can be read: then a new epoch is due anyway.
Result<std::optional<State>> load_state(env::FileSystem& files, const std::string& path);
// Atomic and durable.
Result<void> save_state(env::FileSystem& files, const std::string& path, const State& state);

// Whether the chain of `state` can go on over the files of `database` as they lie there, before
// SQLite has opened them. Nothing = yes; else why not.
Result<std::optional<std::string>> doubt_about(env::FileSystem& files, const std::string& database,
                                               const State& state);

}  // namespace dsl::replica
