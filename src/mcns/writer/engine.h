// Commits groups of writes and publishes what they leave.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/writer/job.h"
#include "mcns/writer/zone_map.h"
#include "mcns/zone/image.h"

namespace mcns::writer {

// Confined to the thread that writes, apart from `set_limits`.
class Engine {
 public:
  Engine(dsl::env::Env& env, dsl::db::Database& database, zone::Store& store,
         const WriterOptions& options)
      : env_(env),
        database_(database),
        store_(store),
        moved_(options.moved),
        limits_{options.guard, options.journal_rows_max} {}

  // From any thread, for the writes that follow.
  void set_limits(const GuardOptions& guard, std::size_t journal_rows_max) {
    const std::lock_guard lock(limits_mutex_);
    limits_ = {guard, journal_rows_max};
  }

  // Every zone of the database into the store, unless they are what is there: `image`.
  dsl::Result<void> load(const std::vector<zone::ImageZone>& image);
  // One durable commit and one version for all; then each is told.
  void run(const std::vector<Job*>& jobs);

  // Some record has a lease.
  bool has_leases() const { return next_lease_.has_value(); }
  // Removes those that ended by now, in a transaction for each zone.
  void end_leases();

  // From any thread.
  const WriterFigures& figures() const { return figures_; }

 private:
  // What was committed, or may have been.
  struct Group {
    std::vector<std::unique_ptr<Draft>> drafts;
    std::int64_t last_id = 0;  // of what it changed; 0 = nothing that is published
  };

  struct Limits {
    GuardOptions guard;
    std::size_t journal_rows_max = 0;
  };
  Limits limits() const {
    const std::lock_guard lock(limits_mutex_);
    return limits_;
  }

  void commit(const std::vector<Job*>& jobs);
  dsl::Result<void> run_jobs(dsl::db::Transaction& tx, const std::vector<Job*>& jobs);
  dsl::Result<void> plan(Work& work, Job& job);
  dsl::Result<Outcome> write(Work& work, Job& job);
  void note_leases(const Draft& draft);
  void accept(const Group& group);
  std::int64_t nanoseconds_since(dsl::env::MonoTime began) const;
  dsl::Result<void> settle();

  dsl::env::Env& env_;
  dsl::db::Database& database_;
  zone::Store& store_;
  const std::function<void(const std::vector<Name>&)> moved_;
  WriterFigures figures_;
  mutable std::mutex limits_mutex_;
  Limits limits_;  // guarded by limits_mutex_
  ZoneMap zones_;
  std::optional<dsl::env::WallTime> next_lease_;  // or a time before it
  std::int64_t group_last_id_ = 0;
  bool half_written_ = false;      // a job of the group failed after it had begun to write
  std::optional<Group> doubtful_;  // its commit failed, and nobody looked yet what that left
};

}  // namespace mcns::writer
