// What replication remembers beside the database, so that a chain goes on after a restart only
// where there is no doubt.
#pragma once

#include <cstdint>
#include <memory>
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

// Where the state is kept: `path` outlives a power cut and is written now and then; `path`.now
// costs the disk nothing, and is good until the machine is started again.
//
// Confined to its owner.
class StateFile {
 public:
  StateFile(env::FileSystem& files, std::string path);

  // The newer of the two that can be trusted. Nothing when there is none, or none that can be read:
  // then a new epoch is due anyway.
  Result<std::optional<State>> load();
  // Of what `load` returned: the machine was started again, and more may have been sealed, by
  // commits up to `last_commit`.
  bool is_behind() const { return behind_; }

  // Atomic and durable. More may be sealed after it by commits before `newer_before`, and by none
  // when that is left out.
  Result<void> save(const State& state, std::optional<env::WallTime> newer_before = {});
  // Whether a commit of `time` may follow what was saved: else it is to be saved again first.
  bool may_follow(env::WallTime time) const;
  // Outlives the process; `may_follow` holds for its last commit.
  Result<void> note(const State& state);

 private:
  struct Kept {
    State state;
    std::uint64_t serial = 0;  // the newer file's is higher
    std::optional<env::WallTime> newer_before;
    std::string boot;  // of the machine
  };

  static std::string to_text(const Kept& kept);
  static std::optional<Kept> parse(const std::string& content);
  Result<std::optional<Kept>> read(const std::string& path);

  env::FileSystem& files_;
  const std::string path_;
  const std::string boot_;    // empty = unknown: what was noted is not trusted then
  std::uint64_t serial_ = 0;  // the last one used
  std::optional<env::WallTime> newer_before_;
  std::unique_ptr<env::File> now_;  // null until the first note
  bool behind_ = false;
};

// Whether the chain of `state` can go on over the files of `database` as they lie there, before
// SQLite has opened them. Nothing = yes; else why not.
Result<std::optional<std::string>> doubt_about(env::FileSystem& files, const std::string& database,
                                               const State& state);

}  // namespace dsl::replica
