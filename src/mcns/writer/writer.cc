#include "mcns/writer/writer.h"

#include <thread>
#include <utility>

#include <malloc.h>
#include <pthread.h>

#include "mcns/writer/batch.h"
#include "mcns/writer/engine.h"
#include "mcns/writer/import.h"
#include "mcns/writer/queue.h"
#include "mcns/writer/rollback.h"
#include "mcns/writer/zone_change.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using writer::Engine;
using writer::Job;
using writer::Prepared;
using writer::Queue;
using writer::Work;

// What history calls it, unless the author comes by a way of his own.
Author by_way_of(const Author& author, const char* source) {
  Author out = author;
  if (out.source == "api") {
    out.source = source;
  }
  return out;
}

// The C library would keep what a large import leaves.
void give_memory_back(std::size_t records) {
  constexpr std::size_t kManyRecords = 10000;
  if (records >= kManyRecords) {
    malloc_trim(0);
  }
}

class GroupWriter final : public Writer {
 public:
  GroupWriter(dsl::env::Env& env, std::unique_ptr<Engine> engine, const WriterOptions& options)
      : clock_(env.clock()),
        lease_interval_(options.lease_interval),
        engine_(std::move(engine)),
        queue_(clock_, {.group_max = options.group_max,
                        .group_wait = options.group_wait,
                        .queue_max = options.queue_max}),
        thread_([this] { loop(); }) {}

  ~GroupWriter() override {
    queue_.stop();
    thread_.join();
  }

  void set_limits(const GuardOptions& guard, std::size_t journal_rows_max) override {
    engine_->set_limits(guard, journal_rows_max);
  }

  Result<Outcome> apply(const Author& author, const Batch& batch) override {
    MC_TRY(writer::check_batch(batch));
    Job job{
        .author = &author,
        .plan = [&](Work& work) { return writer::plan_batch(work, batch); },
        .report = [&](Work& work,
                      Outcome& outcome) { outcome.records = writer::stored_records(work, batch); },
        .dry_run = batch.dry_run,
        .strict = batch.strict,
        .guarded = !batch.force};
    return run(job);
  }

  Result<Outcome> create_zone(const Author& author, store::ZoneRow row,
                              std::vector<Record> records) override {
    const std::size_t count = records.size();
    Result<Outcome> outcome = create(author, row, std::move(records));
    give_memory_back(count);
    return outcome;
  }

  Result<Outcome> update_zone(const Author& author, const ZoneUpdate& update) override {
    Job job{.author = &author,
            .plan = [&](Work& work) { return writer::plan_update(work, update); },
            .dry_run = update.dry_run};
    return run(job);
  }

  Result<Outcome> delete_zone(const Author& author, const Name& origin,
                              std::optional<std::uint32_t> if_serial, bool dry_run) override {
    Job job{.author = &author,
            .plan = [&](Work& work) { return writer::plan_delete(work, origin, if_serial); },
            .dry_run = dry_run};
    return run(job);
  }

  Result<Outcome> import(const Author& author, Import import) override {
    std::size_t count = 0;
    Result<Outcome> outcome = import_records(author, std::move(import), count);
    give_memory_back(count);
    return outcome;
  }

  Result<Outcome> rollback(const Author& author, const Name& zone, std::uint32_t serial,
                           std::optional<std::uint32_t> if_serial, bool dry_run) override {
    const Author by = by_way_of(author, "rollback");
    Job job{
        .author = &by,
        .plan = [&](Work& work) { return writer::plan_rollback(work, zone, serial, if_serial); },
        .dry_run = dry_run};
    return run(job);
  }

  void pause() override { queue_.pause(); }
  void resume() override { queue_.resume(); }
  const WriterFigures& figures() const override { return engine_->figures(); }

 private:
  Result<Outcome> create(const Author& author, const store::ZoneRow& row,
                         std::vector<Record> records) {
    Import import{.zone = row.origin, .records = std::move(records)};
    MC_ASSIGN(Prepared prepared, writer::prepare(import));
    if (prepared.soa) {
      return fail(Code::kInvalidArgument, "records: the SOA of {} is made from its fields",
                  row.origin.text())
          .hint("leave it out, or import the zone");
    }
    Job job{.author = &author,
            .plan = [&](Work& work) { return writer::plan_create(work, row, prepared); },
            .alone = true};
    return run(job);
  }

  // `count`: of its records.
  Result<Outcome> import_records(const Author& author, Import import, std::size_t& count) {
    MC_ASSIGN(Prepared prepared, writer::prepare(import));
    count = prepared.records.list().size();
    const Author by = by_way_of(author, "import");
    Job job{.author = &by,
            .plan = [&](Work& work) { return writer::plan_import(work, import, prepared); },
            .alone = true,
            .dry_run = import.dry_run,
            .guarded = !import.force};
    return run(job);
  }

  Result<Outcome> run(Job& job) {
    MC_TRY(queue_.run(job));
    return std::move(job.result);
  }

  void loop() {
    pthread_setname_np(pthread_self(), "zone-writer");
    dsl::env::MonoTime look_at_leases = clock_.mono_now();
    while (!queue_.stopped()) {
      const auto group =
          queue_.next(engine_->has_leases() ? std::optional(look_at_leases) : std::nullopt);
      if (!group.empty()) {
        engine_->run(group);
      }
      const dsl::env::MonoTime now = clock_.mono_now();
      if (now >= look_at_leases) {
        look_at_leases = now + lease_interval_;
        if (!queue_.paused()) {
          engine_->end_leases();
        }
      }
    }
  }

  dsl::env::Clock& clock_;
  const std::chrono::milliseconds lease_interval_;
  const std::unique_ptr<Engine> engine_;
  Queue queue_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(dsl::env::Env& env, dsl::db::Database& database,
                                             zone::Store& zones, WriterOptions options,
                                             const std::vector<zone::ImageZone>& image) {
  auto engine = std::make_unique<Engine>(env, database, zones, options);
  MC_TRY(engine->load(image));
  return std::unique_ptr<Writer>(std::make_unique<GroupWriter>(env, std::move(engine), options));
}

}  // namespace mcns
