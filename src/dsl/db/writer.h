// The writer thread: one connection, a queue, shared commits. Private to dsl::db.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "dsl/db/connection.h"

namespace dsl::replica {
class Replicator;
}

namespace dsl::db {

struct WriterOptions {
  std::size_t queue_max = 1024;
  std::size_t group_max = 64;
  bool checkpoints = true;
  replica::Replicator* replicator = nullptr;  // outlives the writer; null = not replicated
};

// Thread-safe. The connection belongs to its thread; only `Upkeep` and `Work` see it.
class Writer {
 public:
  // Runs on the writer thread between transactions.
  using Upkeep = std::function<Result<void>(Connection&)>;

  Writer(std::unique_ptr<Connection> connection, WriterOptions options);
  // Finishes what is queued, checkpoints and closes.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Both return once it is done and, for `write`, durable. Not to be called from within one.
  Result<void> write(const Work& work);
  Result<void> upkeep(const Upkeep& upkeep);

  // Moves the whole log into the database file and empties it.
  Result<void> checkpoint();

 private:
  // One caller that waits; lives on its stack.
  struct Job {
    const Work* work = nullptr;  // or:
    const Upkeep* upkeep = nullptr;
    Result<void> result;
    bool done = false;
  };

  Result<void> enqueue(Job& job);
  void loop();
  std::vector<Job*> next_group();
  void finish(const std::vector<Job*>& group);
  void run_group(const std::vector<Job*>& group);
  std::size_t run_transaction(const std::vector<Job*>& group, std::size_t first);
  void run_job(Job& job);
  Result<void> replicate();
  void run_upkeep_between();
  Result<void> run_checkpoint(int mode, int wait_ms);
  void checkpoint_when_large();

  std::unique_ptr<Connection> connection_;  // of the thread
  const WriterOptions options_;
  int wal_pages_ = 0;         // of the thread: in the log, as of the last commit
  bool has_written_ = false;  // of the thread: the last commit was not an empty one
  int wal_pages_seen_ = 0;    // of the thread: as of the last look
  int checkpoint_pages_;      // of the thread: how many make the next checkpoint

  std::mutex mutex_;
  std::condition_variable queued_;
  std::condition_variable finished_;
  std::deque<Job*> queue_;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::thread thread_;      // last: uses all of the above
};

}  // namespace dsl::db
