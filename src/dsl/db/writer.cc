#include "dsl/db/writer.h"

#include <algorithm>
#include <utility>

#include <pthread.h>

#include "dsl/log/log.h"
#include "dsl/replica/replicator.h"

namespace dsl::db {
namespace {

const log::Logger kLogger("db");

// 4 MiB of pages: what a checkpoint then copies takes milliseconds.
constexpr int kCheckpointPages = 1024;
// 16 MiB when the log is replicated: emptying it costs a pause for what is not sealed yet.
constexpr int kCheckpointPagesReplicated = 4096;
// 32 MiB: the thread that seals does not keep up.
constexpr int kCheckpointPagesUnready = 8 * 1024;
// 64 MiB: readers have kept the log from being reused for long; wait for them once.
constexpr int kCheckpointPagesWait = 16 * 1024;
// 256 MiB: somebody reads for so long that it is time to tell the operator.
constexpr int kAlarmPages = 64 * 1024;
constexpr int kReadersWaitMs = 5000;

Error ended_early(const std::string& path) {
  Error error(Code::kUnavailable,
              text("{}: another write of the same group ended the transaction", path));
  error.set_hint("nothing of this write was kept; try again");
  return error;
}

}  // namespace

Writer::Writer(std::unique_ptr<Connection> connection, WriterOptions options)
    : connection_(std::move(connection)),
      options_(options),
      checkpoint_pages_(options.replicator == nullptr ? kCheckpointPages
                                                      : kCheckpointPagesReplicated) {
  sqlite3_wal_hook(
      connection_->handle(),
      [](void* self, sqlite3*, const char*, int count) {
        auto& writer = *static_cast<Writer*>(self);
        writer.wal_pages_ = count;
        writer.has_written_ = true;
        return SQLITE_OK;
      },
      this);
  thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  queued_.notify_one();
  thread_.join();
  if (!options_.checkpoints) {
    return;
  }
  // A reader elsewhere, such as a copy tool, must not hold up the end: what stays in the log is
  // durable there.
  if (const auto done = run_checkpoint(SQLITE_CHECKPOINT_TRUNCATE, 0); !done) {
    kLogger.failure(log::Level::kWarn, "the log stays beside the database", done.error());
  }
}

Result<void> Writer::write(const Work& work) {
  Job job{.work = &work};
  return enqueue(job);
}

Result<void> Writer::upkeep(const Upkeep& upkeep) {
  Job job{.upkeep = &upkeep};
  return enqueue(job);
}

Result<void> Writer::checkpoint() {
  return upkeep(
      [this](Connection&) { return run_checkpoint(SQLITE_CHECKPOINT_TRUNCATE, kReadersWaitMs); });
}

Result<void> Writer::enqueue(Job& job) {
  MC_ASSERT(std::this_thread::get_id() != thread_.get_id(), "a write does not start another one");
  std::unique_lock lock(mutex_);
  // Upkeep always comes in: the writes that wait may wait for it.
  if (job.work != nullptr && queue_.size() >= options_.queue_max) {
    return fail(Code::kUnavailable, "{}: {} writes are waiting already", connection_->path(),
                options_.queue_max)
        .hint("the disk is slow or the load too high; try again later");
  }
  queue_.push_back(&job);
  queued_.notify_one();
  finished_.wait(lock, [&] { return job.done; });
  return std::move(job.result);
}

void Writer::loop() {
  pthread_setname_np(pthread_self(), "db-writer");
  for (auto group = next_group(); !group.empty(); group = next_group()) {
    if (group.front()->upkeep != nullptr) {
      group.front()->result = (*group.front()->upkeep)(*connection_);
    } else {
      run_group(group);
    }
    finish(group);
    // After the callers were told: their writes are durable already.
    checkpoint_when_large();
  }
}

// Waits for work; empty at the end. Upkeep comes alone.
std::vector<Writer::Job*> Writer::next_group() {
  std::unique_lock lock(mutex_);
  queued_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
  std::vector<Job*> group;
  while (!queue_.empty() && group.size() < options_.group_max) {
    const bool is_upkeep = queue_.front()->upkeep != nullptr;
    if (is_upkeep && !group.empty()) {
      break;
    }
    group.push_back(queue_.front());
    queue_.pop_front();
    if (is_upkeep) {
      break;
    }
  }
  return group;
}

void Writer::finish(const std::vector<Job*>& group) {
  {
    const std::lock_guard guard(mutex_);
    for (Job* job : group) {
      job->done = true;
    }
  }
  finished_.notify_all();
}

void Writer::run_group(const std::vector<Job*>& group) {
  for (std::size_t next = 0; next < group.size();) {
    next = run_transaction(group, next);
  }
}

// Runs jobs from `first` on in one transaction; returns where the next one begins. One that has
// nobody beside it needs no savepoint, which would keep a copy of every page that it touches.
std::size_t Writer::run_transaction(const std::vector<Job*>& group, std::size_t first) {
  Result<void> outcome = connection_->run("BEGIN IMMEDIATE");
  std::size_t end = outcome ? first : group.size();
  const bool alone = group.size() - first == 1;
  while (end < group.size()) {
    Job& job = *group[end++];
    if (alone) {
      job.result = connection_->call(*job.work);
    } else {
      run_job(job);
    }
    if (!connection_->in_transaction()) {
      // SQLite rolls everything back by itself after some errors, such as a full disk.
      outcome = tl::unexpected(ended_early(connection_->path()));
      break;
    }
  }
  if (outcome && alone) {
    outcome = group[first]->result;
  }
  if (outcome) {
    has_written_ = false;
    outcome = connection_->run("COMMIT");
  }
  if (outcome) {
    outcome = replicate();
  }
  if (outcome) {
    return end;
  }
  if (connection_->in_transaction()) {
    // What failed before is the error to report.
    (void)connection_->run("ROLLBACK");
  }
  for (std::size_t i = first; i < end; ++i) {
    if (group[i]->result) {
      group[i]->result = outcome;
    }
  }
  return end;
}

// A savepoint of its own: an error takes back this job and no other.
void Writer::run_job(Job& job) {
  job.result = connection_->run("SAVEPOINT job");
  if (!job.result) {
    return;
  }
  job.result = connection_->call(*job.work);
  if (!connection_->in_transaction()) {
    return;
  }
  if (!job.result) {
    // Its failure would show as a failing RELEASE or COMMIT.
    (void)connection_->run("ROLLBACK TO job");
  }
  Result<void> released = connection_->run("RELEASE job");
  if (job.result && !released) {
    job.result = released;
  }
}

// After a commit, before it is acknowledged.
Result<void> Writer::replicate() {
  if (options_.replicator == nullptr || !has_written_) {
    return {};
  }
  return options_.replicator->committed(static_cast<std::uint64_t>(wal_pages_),
                                        [this] { run_upkeep_between(); });
}

// While the writer waits for a mirror: what that mirror waits for may be in the queue.
void Writer::run_upkeep_between() {
  std::vector<Job*> waiting;
  {
    const std::lock_guard guard(mutex_);
    const auto rest = std::stable_partition(queue_.begin(), queue_.end(),
                                            [](Job* job) { return job->upkeep == nullptr; });
    waiting.assign(rest, queue_.end());
    queue_.erase(rest, queue_.end());
  }
  for (Job* job : waiting) {
    job->result = (*job->upkeep)(*connection_);
  }
  finish(waiting);
}

// Moves the log into the database. Waits up to `wait_ms` for readers that keep it from being used
// anew. kUnavailable when they still do, and when the replica has to catch up first.
Result<void> Writer::run_checkpoint(int mode, int wait_ms) {
  replica::Replicator* replicator = options_.replicator;
  if (replicator != nullptr && !replicator->before_checkpoint()) {
    return fail(Code::kUnavailable, "{}: the replica has to catch up first", connection_->path());
  }
  connection_->set_busy_timeout(wait_ms);
  const int status =
      sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, mode, nullptr, nullptr);
  Result<void> result;
  if (status != SQLITE_OK) {
    result = fail(connection_->error(status)).context("checkpoint");
  }
  connection_->set_busy_timeout(kBusyTimeoutMs);
  if (replicator != nullptr) {
    replicator->after_checkpoint();
  }
  return result;
}

void Writer::checkpoint_when_large() {
  const bool replicated = options_.replicator != nullptr;
  const int step = replicated ? kCheckpointPagesReplicated : kCheckpointPages;
  if (wal_pages_ < wal_pages_seen_) {
    checkpoint_pages_ = step;  // the log was started over
  }
  wal_pages_seen_ = wal_pages_;
  if (wal_pages_ < checkpoint_pages_ || !options_.checkpoints) {
    return;
  }
  const bool wait = wal_pages_ >= kCheckpointPagesWait;
  // All of it has to be sealed before. The writer does that only when nobody else gets to it.
  if (replicated && wal_pages_ < kCheckpointPagesUnready &&
      !options_.replicator->ready_for_checkpoint(static_cast<std::uint64_t>(wal_pages_))) {
    return;
  }
  // RESTART says when a reader keeps the log from starting over; PASSIVE would not, and nobody
  // would hear of a log that only grows.
  const int mode = wait || replicated ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
  const auto done = run_checkpoint(mode, wait ? kReadersWaitMs : 0);
  // While a reader keeps the log from being started over, look again only after some more.
  checkpoint_pages_ = wal_pages_ + (wait ? kCheckpointPagesWait : kCheckpointPages);
  if (!done && wal_pages_ >= (replicated ? kAlarmPages : kCheckpointPagesWait)) {
    kLogger.failure(log::Level::kWarn, "the database is not checkpointed; its log grows",
                    done.error());
  }
}

}  // namespace dsl::db
