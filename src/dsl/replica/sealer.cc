#include "dsl/replica/sealer.h"

#include <utility>

#include <boost/json/serialize.hpp>

#include "dsl/log/log.h"

namespace dsl::replica {
namespace {

const log::Logger kLogger("replica");

Failure doubt(std::string_view why) {
  return fail(Code::kDataLoss, "{}", why)
      .hint("nothing is lost here; a new copy of the database begins another epoch");
}

// SQLite adds one to the first salt when it starts the log over, and draws the second.
bool follows(std::uint64_t salts, std::uint64_t before) {
  return static_cast<std::uint32_t>(salts >> 32) == static_cast<std::uint32_t>((before >> 32) + 1);
}

std::int64_t milliseconds(env::WallTime time) { return time.time_since_epoch().count(); }

// Plain text: who cannot open the replica may still know why an epoch ended.
std::string closing_note(const State& state, const std::string& reason, env::WallTime now) {
  return boost::json::serialize(
             boost::json::object{{"format", "metacircular-replica-closed-1"},
                                 {"epoch", state.epoch.name()},
                                 {"reason", reason},
                                 {"opened_ms", milliseconds(state.opened)},
                                 {"closed_ms", milliseconds(now)},
                                 {"last_commit_ms", milliseconds(state.last_commit)},
                                 {"generation", state.generation},
                                 {"offset", state.point.offset}}) +
         "\n";
}

}  // namespace

Sealer::Sealer(env::Env& env, DatabaseFiles files, const Recipients& recipients, Outbox& outbox,
               std::optional<State> state)
    : env_(env), files_(std::move(files)), recipients_(recipients), outbox_(outbox) {
  if (state) {
    state_ = *std::move(state);
  }
}

Result<std::optional<WalIndex>> Sealer::read_index() {
  MC_ASSIGN(const auto file, env_.files().open(files_.index(), env::OpenMode::kRead));
  return read_wal_index(*file);
}

Result<std::uint64_t> Sealer::look() {
  MC_ASSIGN(const auto index, read_index());
  const WalPoint& point = state_.point;
  if (!index || index->frame_count == 0) {
    if (point.offset == 0 ||
        (checkpointed_ && index && follows(index->salts, point.header.salts))) {
      return point.offset;
    }
    return doubt("the log was emptied by another process");
  }
  if (point.offset == 0) {
    if (salts_expected_ && index->salts != *salts_expected_) {
      return doubt("another process made a checkpoint");
    }
    return index->end();
  }
  if (index->salts != point.header.salts) {
    const auto ended_at = times_.started_over_at();
    if (!checkpointed_ || !follows(index->salts, point.header.salts) ||
        (ended_at && *ended_at != point.offset)) {
      return doubt("the log was started over by another process");
    }
    start_generation();
    return index->end();
  }
  if (index->end() < point.offset) {
    return doubt("the log went back behind what was sealed");
  }
  return index->end();
}

void Sealer::start_generation() {
  ++state_.generation;
  state_.log_before = state_.point.offset;
  state_.point = {};
  checkpointed_ = false;
  salts_expected_.reset();
  if (generation_started_) {
    generation_started_(state_.generation);
  }
}

Result<void> Sealer::seal() {
  MC_ASSIGN(const std::uint64_t end, look());
  return end > state_.point.offset ? seal_up_to(end) : Result<void>();
}

Result<void> Sealer::seal_up_to(std::uint64_t end) {
  MC_ASSIGN(const auto log, env_.files().open(files_.log(), env::OpenMode::kRead));
  MC_ASSIGN(const Slice slice,
            describe_slice(*log, state_.point, end, place(), times_, env_.clock().now()));
  OutboxObject object{.name = {.epoch = state_.epoch,
                               .kind = ObjectKind::kSegment,
                               .generation = state_.generation,
                               .offset = slice.from.offset},
                      .end = end,
                      .last_commit = slice.header.commits.back().time};
  MC_ASSIGN(const auto upload, outbox_.store().put(object.name.name()));
  MC_ASSIGN(const std::string digest,
            write_slice(env_.random(), recipients_, *log, slice,
                        [&](std::span<const std::byte> bytes) -> Result<void> {
                          object.size_bytes += bytes.size();
                          return upload->write(bytes);
                        }));
  MC_TRY(upload->commit());
  state_.point = slice.end;
  state_.previous = digest;
  state_.last_commit = object.last_commit;
  state_.log_bytes += slice.header.length;
  checkpointed_ = false;
  salts_expected_.reset();
  if (!keep_times_) {
    times_.forget(end);
  }
  MC_TRY(save());
  // Only now: what a mirror has is never ahead of what is remembered here.
  outbox_.add(std::move(object));
  return {};
}

SlicePlace Sealer::place() const {
  return {.database = files_.name(),
          .epoch = state_.epoch,
          .generation = state_.generation,
          .previous = state_.previous,
          .log_before = state_.point.offset == 0 ? state_.log_before : 0,
          .not_before = state_.last_commit};
}

TailStart Sealer::tail_start() const { return {.place = place(), .point = state_.point}; }

Result<void> Sealer::save() { return save_state(env_.files(), files_.state(), state_); }

Result<void> Sealer::end_epoch(const std::string& reason) {
  MC_ASSERT(state_.open, "an epoch ends once");
  kLogger.info("an epoch of the replica ended",
               {{"database", files_.database}, {"epoch", state_.epoch.name()}, {"reason", reason}});
  state_.open = false;
  MC_TRY(save());
  const ObjectName name{.epoch = state_.epoch, .kind = ObjectKind::kClosed};
  const std::string note = closing_note(state_, reason, env_.clock().now());
  MC_TRY(write_object(outbox_.store(), name.name(), note));
  outbox_.add({.name = name, .size_bytes = note.size()});
  return {};
}

Result<void> Sealer::start_epoch(const NewEpoch& next) {
  MC_ASSIGN(const Fingerprint database, fingerprint_of(env_.files(), files_.database));
  MC_ASSIGN(const auto index, read_index());
  const std::uint64_t salts = index ? index->salts : 0;
  if (database != next.database || (next.salts != 0 && salts != next.salts)) {
    return fail(Code::kConflict, "another process made a checkpoint while the copy was made");
  }
  state_ = {.epoch = next.epoch,
            .open = true,
            .generation = 1,
            .point = {},
            .previous = next.digest,
            .last_commit = {},
            .opened = next.header.time,
            .base_bytes = next.header.length,
            .log_bytes = 0,
            .database = database};
  checkpointed_ = false;
  salts_expected_.reset();
  return save();
}

Result<void> Sealer::before_checkpoint() {
  if (!state_.open) {
    return {};
  }
  MC_TRY(seal());
  MC_ASSIGN(const std::uint64_t end, look());
  if (end != state_.point.offset) {
    return fail(Code::kUnavailable, "another process writes to the database");
  }
  checkpointed_ = true;
  return {};
}

Result<void> Sealer::after_checkpoint() {
  if (!state_.open) {
    return {};
  }
  MC_ASSIGN(const auto index, read_index());
  if (index && index->frame_count == 0) {
    if (state_.point.offset > 0) {
      start_generation();
    }
    times_.clear();
    salts_expected_ = index->salts;
  }
  MC_ASSIGN(state_.database, fingerprint_of(env_.files(), files_.database));
  return save();
}

}  // namespace dsl::replica
