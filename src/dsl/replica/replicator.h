// Replicates one database while its service runs. Made and used by dsl::db.
//
//   before SQLite opens the files   open: may the chain go on, or is a new epoch due?
//   the database is open            start: threads run; a `sync` mirror has a base when it returns
//   after each commit               committed
//   around each checkpoint          ready_for_checkpoint, before_checkpoint, after_checkpoint
//   the service stops               stop, then the last commits and checkpoint, then finish
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/replica/base.h"
#include "dsl/replica/outbox.h"
#include "dsl/replica/replica.h"
#include "dsl/replica/sealer.h"
#include "dsl/replica/shipper.h"
#include "dsl/replica/sync_tail.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// Copies one state of the database to `destination`. `pinned` is called before and after that state
// is fixed, while no commit of this process can happen. Runs on a thread of its own.
using CopyBase = std::function<Result<CopiedBase>(const std::string& destination,
                                                  const std::function<Result<void>()>& pinned)>;

// Thread-safe, except that `committed` and the two about checkpoints come from the writer alone.
class Replicator {
 public:
  // `database` is the path of an existing database file that nobody has opened yet. `env` outlives
  // the replicator.
  static Result<std::unique_ptr<Replicator>> open(env::Env& env, const std::string& database,
                                                  const Options& options);
  ~Replicator();
  Replicator(const Replicator&) = delete;
  Replicator& operator=(const Replicator&) = delete;

  // Waits for a base in the mirrors with `sync`, as long as they can be written.
  void start(std::uint32_t page_bytes, CopyBase copy_base);

  // The log has `frames` frames after a commit that is durable here. Returns once it may be
  // acknowledged: an error only when it has to wait for a mirror and the service ends, and when the
  // files of the database were removed or replaced meanwhile. While it waits it calls `meanwhile`,
  // which may run what `copy_base` has to do between commits.
  Result<void> committed(std::uint64_t frames, const std::function<void()>& meanwhile);
  // Whether a checkpoint of a log of `frames` frames would have little left to seal before it. If
  // not, what there is gets sealed soon, on another thread, beside further commits.
  bool ready_for_checkpoint(std::uint64_t frames);
  // False: not now. True: the checkpoint is to be made at once, then `after_checkpoint` called.
  bool before_checkpoint();
  void after_checkpoint();

  // No commit waits for a mirror any more.
  void stop_waiting();
  // No new base is begun, and nothing waits for a mirror any more. Commits and the last checkpoint
  // may follow.
  void stop();
  // Lets the mirrors take what is sealed, for a while. No commit comes any more.
  void finish();

  Status status() const;
  // Every commit so far is in every mirror that can be written. False after `timeout`.
  bool wait_until_stored(std::chrono::milliseconds timeout);

 private:
  Replicator(env::Env& env, const std::string& database, const Options& options);

  void run();
  Result<NewEpoch> make_base();  // on the thread of the base
  Result<void> make_base_of(NewEpoch& next);
  void note_listed(const std::set<Epoch>& epochs);
  void note_epoch(std::uint32_t number);
  void object_stored(std::size_t mirror, const OutboxObject& object);
  bool has_sync() const;

  std::uint64_t end_of(std::uint64_t frames) const;  // of the log, in bytes

  // With mutex_ held:
  void step();
  void seal();
  void end_epoch(const std::string& reason);
  void failed(const Error& error);
  std::optional<std::string> why_base_is_due() const;
  void begin_base(const std::string& reason);
  void take_base();
  bool sync_mirrors_have(const Epoch& epoch) const;
  bool is_whole(std::size_t mirror) const;
  void activate_tail(std::size_t mirror);
  bool append_tails();
  void take_times();

  env::Env& env_;
  const DatabaseFiles files_;
  const Options options_;
  std::uint32_t page_bytes_ = 0;
  CopyBase copy_base_;
  std::unique_ptr<Outbox> outbox_;
  std::atomic<std::uint32_t> epoch_highest_{0};
  std::atomic<bool> gone_{false};  // the files of the database are not in place

  mutable std::mutex mutex_;  // of the chain; held while segments are sealed
  std::condition_variable woken_;
  std::condition_variable changed_;               // an epoch began, a mirror took something
  std::unique_ptr<Sealer> sealer_;                // guarded by mutex_, as all below
  std::vector<std::unique_ptr<SyncTail>> tails_;  // by mirror; null without `sync`
  std::string reason_;                            // why no epoch is open
  int failures_ = 0;                              // to seal, one after the other
  env::MonoTime base_not_before_{};
  std::chrono::milliseconds base_pause_;
  std::thread base_thread_;
  bool base_running_ = false;  // until its result was taken
  std::optional<Result<NewEpoch>> base_;
  std::set<Epoch> listed_;  // by the mirrors, not before that of then
  bool waits_ = true;       // commits may wait for a mirror
  bool ending_ = false;

  std::mutex times_mutex_;
  std::vector<Commit> new_times_;     // guarded by times_mutex_
  env::WallTime times_not_before_{};  // likewise: after the last copy
  std::atomic<std::uint64_t> sealed_end_{0};

  std::vector<std::unique_ptr<Shipper>> shippers_;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace dsl::replica
