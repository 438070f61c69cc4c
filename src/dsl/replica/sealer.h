// Where the chain stands, and the one who carries it on: takes what the log has new, seals it into
// the outbox, and ends the epoch at the first doubt.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dsl/env/env.h"
#include "dsl/env/path.h"
#include "dsl/replica/outbox.h"
#include "dsl/replica/segment.h"
#include "dsl/replica/state.h"
#include "dsl/replica/sync_tail.h"
#include "dsl/replica/wal_index.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// The database's files, and what is kept for it beside them.
struct DatabaseFiles {
  std::string database;  // path

  std::string log() const { return database + "-wal"; }
  std::string index() const { return database + "-shm"; }
  std::string folder() const { return database + ".replica"; }
  std::string state() const { return folder() + "/state"; }
  std::string outbox() const { return folder() + "/outbox"; }
  std::string base_copy() const { return folder() + "/base.tmp"; }
  std::string name() const { return env::name_of(database); }
};

// What a new epoch begins with: a copy in the outbox, made while the log stood there.
struct NewEpoch {
  Epoch epoch;
  BaseHeader header;
  std::string digest;  // of the header line
  std::uint64_t stored_bytes = 0;
  std::string recipients;   // see State
  std::uint64_t salts = 0;  // of the log when the copy was made; 0 = there was none yet
  Fingerprint database;     // then
};

// Guarded by its owner.
class Sealer {
 public:
  // All outlive the sealer. `state` is what `file` has of an earlier process.
  Sealer(env::Env& env, DatabaseFiles files, const Recipients& recipients, Outbox& outbox,
         StateFile file, std::optional<State> state);

  bool open() const { return state_.open; }
  const State& state() const { return state_; }
  CommitTimes& times() { return times_; }

  // Where the committed part of the log ends. Follows a log that was started over after our own
  // checkpoint; kDataLoss, a doubt, when it was otherwise, or does not continue what was sealed.
  // kFailedPrecondition: as check_in_place.
  Result<std::uint64_t> look();
  // Puts what is committed and not sealed yet into the outbox.
  Result<void> seal();
  // kFailedPrecondition when the files are not those any more that were open at the first look:
  // what is written to them has no name, and is lost with the process.
  Result<void> check_in_place();

  // Ends the epoch where it stands.
  Result<void> end_epoch(const std::string& reason);
  // kConflict when the log was started over since the copy was made.
  Result<void> can_start(const NewEpoch& next);
  Result<void> start_epoch(const NewEpoch& next);

  // Seals the rest. kUnavailable when the log grew meanwhile; the checkpoint is then not made.
  Result<void> before_checkpoint();
  // Takes note of what the checkpoint did.
  Result<void> after_checkpoint();

  // Puts on stable storage where the chain stands, with what waits in the outbox: it goes on from
  // there also when the machine is started again.
  Result<void> settle();

  // The times of commits are kept while a copy is made: the next epoch seals them again.
  void keep_times(bool keep) { keep_times_ = keep; }

  // Where tails of the log begin that join now.
  TailStart tail_start() const;
  // Called when the log starts over.
  void on_generation(std::function<void()> callback) { generation_started_ = std::move(callback); }

 private:
  // By inode; 0 = not looked at yet.
  struct Inodes {
    std::uint64_t database = 0;
    std::uint64_t log = 0;
    std::uint64_t index = 0;
  };

  Result<std::optional<WalIndex>> read_index();
  Result<void> check_inode(const std::string& path, std::uint64_t& known);
  Result<std::uint64_t> look_at_start(std::uint64_t salts, std::uint64_t end);
  Result<bool> is_untouched();
  void start_generation();
  Result<void> seal_up_to(std::uint64_t end);
  SlicePlace place() const;
  Result<void> remember(const State& next);

  env::Env& env_;
  const DatabaseFiles files_;
  const Recipients& recipients_;
  Outbox& outbox_;
  StateFile file_;
  State state_;
  CommitTimes times_;
  // All of the log was sealed when our last checkpoint ran, and nothing has been since: SQLite may
  // start the log over.
  bool checkpointed_ = false;
  // Of a log of which nothing is sealed; as far as known.
  std::optional<std::uint64_t> salts_expected_;
  std::uint64_t salts_before_ = 0;  // the checkpoint that is being made
  Inodes inodes_;
  bool keep_times_ = false;
  std::function<void()> generation_started_;
};

}  // namespace dsl::replica
