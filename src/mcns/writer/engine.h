// Commits groups of writes and publishes what they leave.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/writer/job.h"
#include "mcns/writer/zone_map.h"

namespace mcns::writer {

// Confined to the thread that writes.
class Engine {
 public:
  Engine(dsl::env::Env& env, dsl::db::Database& database, zone::Store& store,
         const WriterOptions& options)
      : env_(env), database_(database), store_(store), options_(options) {}

  // Every zone of the database into the store.
  dsl::Result<void> load();
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
  const WriterOptions options_;
  WriterFigures figures_;
  ZoneMap zones_;
  std::optional<dsl::env::WallTime> next_lease_;  // or a time before it
  std::int64_t group_last_id_ = 0;
  bool half_written_ = false;      // a job of the group failed after it had begun to write
  std::optional<Group> doubtful_;  // its commit failed, and nobody looked yet what that left
};

}  // namespace mcns::writer
