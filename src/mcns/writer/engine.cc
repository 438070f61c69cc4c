#include "mcns/writer/engine.h"

#include <algorithm>
#include <iterator>

#include "dsl/log/log.h"
#include "mcns/store/record_table.h"
#include "mcns/store/zone_table.h"
#include "mcns/writer/auto_ptr.h"
#include "mcns/writer/guard.h"
#include "mcns/writer/leases.h"
#include "mcns/writer/publish.h"
#include "mcns/writer/rules.h"
#include "mcns/writer/save.h"

namespace mcns::writer {
namespace {

using dsl::Result;
using dsl::db::Transaction;

const dsl::log::Logger kLogger("writer");

constexpr std::size_t kLeasesMax = 10000;  // ended in one commit

bool are_same(const std::vector<store::ZoneRow>& zones, const std::vector<zone::ImageZone>& image) {
  return zones.size() == image.size() &&
         std::all_of(zones.begin(), zones.end(), [&](const store::ZoneRow& row) {
           return std::any_of(image.begin(), image.end(), [&](const zone::ImageZone& zone) {
             return zone.id == row.id && zone.origin == row.origin && zone.serial == row.soa.serial;
           });
         });
}

}  // namespace

Result<void> Engine::load(const std::vector<zone::ImageZone>& image) {
  return database_.read([&](Transaction& tx) -> Result<void> {
    MC_ASSIGN(const auto zones, store::all_zones(tx));
    MC_ASSIGN(const auto last_id, store::last_id(tx));
    MC_ASSIGN(next_lease_, store::next_lease(tx));
    zones_ = ZoneMap(zones, last_id);
    if (are_same(zones, image)) {
      for (const zone::ImageZone& zone : image) {
        if (zone.has_dname) {
          zones_.note_dname(zone.id);
        }
      }
      return {};
    }
    return writer::load(tx, zones, store_,
                        [&](const store::ZoneRow& zone) { zones_.note_dname(zone.id); });
  });
}

void Engine::run(const std::vector<Job*>& jobs) {
  commit(jobs);
  for (Job* job : jobs) {
    job->done.set_value();
  }
}

void Engine::commit(const std::vector<Job*>& jobs) {
  if (auto settled = settle(); !settled) {
    for (Job* job : jobs) {
      job->result = tl::unexpected(settled.error());
    }
    return;
  }
  group_last_id_ = 0;
  half_written_ = false;
  const dsl::env::MonoTime began = env_.clock().mono_now();
  Result<void> committed = database_.write([&](Transaction& tx) { return run_jobs(tx, jobs); });
  if (half_written_ && jobs.size() > 1) {
    // Everything was taken back; whoever is in order must not suffer from that one.
    zones_.undo();
    for (Job* job : jobs) {
      commit({job});
    }
    return;
  }
  Group group{.last_id = group_last_id_};
  for (Job* job : jobs) {
    std::move(job->drafts.begin(), job->drafts.end(), std::back_inserter(group.drafts));
    job->drafts.clear();
  }
  if (committed) {
    if (group.last_id != 0) {
      figures_.commits.add(nanoseconds_since(began));
    }
    accept(group);
    return;
  }
  for (Job* job : jobs) {
    if (job->result) {
      job->result = tl::unexpected(committed.error());
    }
  }
  doubtful_ = std::move(group);
  if (auto settled = settle(); !settled) {
    kLogger.failure(dsl::log::Level::kWarn, "the database cannot be read after a failed commit",
                    settled.error());
  }
}

// What is to be refused is refused before a row is written, so the jobs of a group need no
// savepoints, each of which would keep a copy of every page that its job touches. An error takes
// all of them back.
Result<void> Engine::run_jobs(Transaction& tx, const std::vector<Job*>& jobs) {
  for (Job* job : jobs) {
    Work work{.tx = tx,
              .zones = zones_,
              .author = *job->author,
              .now = env_.clock().now(),
              .journal_rows_max = limits().journal_rows_max};
    job->drafts.clear();
    if (auto planned = plan(work, *job); !planned) {
      job->result = tl::unexpected(planned.error());
      continue;
    }
    const std::size_t changes = zones_.changes();
    job->result = write(work, *job);
    if (!job->result) {
      half_written_ = true;
      return tl::unexpected(job->result.error());
    }
    if (zones_.changes() != changes) {
      group_last_id_ = zones_.last_id();
    }
    if (!job->dry_run) {
      job->drafts = std::move(work.drafts);
    }
  }
  for (const store::ZoneRow& zone : zones_.take_unsaved()) {
    MC_TRY(store::update_zone(tx, zone, zones_.last_id()));
  }
  return {};
}

Result<void> Engine::plan(Work& work, Job& job) {
  MC_TRY(job.plan(work));
  MC_TRY(maintain_ptr(work));
  Problems problems;
  MC_TRY(check_drafts(work, problems));
  MC_TRY(check_targets(work, job.strict, problems));
  MC_TRY(std::move(problems).verdict());
  return job.guarded ? check_guard(work, limits().guard) : Result<void>();
}

Result<Outcome> Engine::write(Work& work, Job& job) {
  MC_ASSIGN(Outcome outcome, save(work, job.dry_run));
  job.report(work, outcome);
  if (!job.dry_run && job.author->together) {
    MC_TRY(job.author->together(work.tx, outcome));
  }
  return outcome;
}

void Engine::accept(const Group& group) {
  zones_.keep();
  for (const auto& draft : group.drafts) {
    note_leases(*draft);
  }
  const dsl::env::MonoTime began = env_.clock().mono_now();
  const std::vector<Name> moved = publish(store_, group.drafts);
  if (moved_ && !moved.empty()) {
    moved_(moved);
  }
  if (group.last_id != 0) {
    figures_.publishes.add(nanoseconds_since(began));
  }
}

std::int64_t Engine::nanoseconds_since(dsl::env::MonoTime began) const {
  return std::chrono::nanoseconds(env_.clock().mono_now() - began).count();
}

void Engine::note_leases(const Draft& draft) {
  for (const auto& [key, name] : draft.names()) {
    for (const store::RecordRow& row : name.after) {
      if (row.lease_expires_at && (!next_lease_ || *row.lease_expires_at < *next_lease_)) {
        next_lease_ = row.lease_expires_at;
      }
    }
  }
}

// A commit that failed may be there all the same: a mirror did not take it, say. Memory has to show
// what the database holds.
Result<void> Engine::settle() {
  if (!doubtful_) {
    return {};
  }
  bool is_there = false;
  if (doubtful_->last_id != 0) {
    MC_ASSIGN(const auto last_id,
              database_.read([](Transaction& tx) { return store::last_id(tx); }));
    is_there = last_id >= doubtful_->last_id;
  }
  Group group = *std::exchange(doubtful_, std::nullopt);
  if (is_there) {
    accept(group);
  } else {
    zones_.undo();
  }
  return {};
}

void Engine::end_leases() {
  const dsl::env::WallTime now = env_.clock().now();
  if (!next_lease_ || *next_lease_ > now) {
    return;
  }
  const auto ended = database_.read([&](Transaction& tx) -> Result<std::vector<EndedLeases>> {
    MC_ASSIGN(next_lease_, store::next_lease(tx));
    return ended_leases(tx, zones_, now, kLeasesMax);
  });
  if (!ended) {
    kLogger.failure(dsl::log::Level::kWarn, "leases cannot be read", ended.error());
    return;
  }
  if (ended->empty()) {
    return;
  }
  static const Author kLeases{
      .account = "mcns", .source = "lease", .may_touch_others = true, .together = nullptr};
  std::vector<Job> jobs(ended->size());
  std::vector<Job*> group;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].author = &kLeases;
    jobs[i].plan = [leases = &(*ended)[i]](Work& work) { return plan_lease_end(work, *leases); };
    group.push_back(&jobs[i]);
  }
  run(group);
  for (const Job& job : jobs) {
    if (!job.result) {
      kLogger.failure(dsl::log::Level::kWarn, "records whose lease ended cannot be removed",
                      job.result.error());
    }
  }
}

}  // namespace mcns::writer
