#include "dsl/replica/sealer.h"

#include <utility>

#include <boost/json/serialize.hpp>

#include "dsl/log/log.h"

namespace dsl::replica {
namespace {

const log::Logger kLogger("replica");

// After a power cut a new epoch begins anyway; of the one before it, so much may have been in the
// outbox alone.
constexpr std::chrono::seconds kSettleEvery{10};

Failure doubt(std::string_view why) {
  return fail(Code::kDataLoss, "{}", why)
      .hint("nothing is lost here; a new copy of the database begins another epoch");
}

// SQLite adds one to the first salt when it starts the log over, and draws the second.
bool follows(std::uint64_t salts, std::uint64_t before) {
  return static_cast<std::uint32_t>(salts >> 32) == static_cast<std::uint32_t>((before >> 32) + 1);
}

std::int64_t milliseconds(env::WallTime time) { return time.time_since_epoch().count(); }

// Plain text: who cannot open the replica may still know why an epoch ended. Where it ended is not
// told when nobody knows.
std::string closing_note(const State& state, bool knows_end, const std::string& reason,
                         env::WallTime now) {
  boost::json::object note{{"format", "metacircular-replica-closed-1"},
                           {"epoch", state.epoch.name()},
                           {"reason", reason},
                           {"opened_ms", milliseconds(state.opened)},
                           {"closed_ms", milliseconds(now)}};
  if (knows_end) {
    note["last_commit_ms"] = milliseconds(state.last_commit);
    note["generation"] = state.generation;
    note["offset"] = state.point.offset;
    note["log_before"] = state.log_before;
  }
  return boost::json::serialize(note) + "\n";
}

}  // namespace

Sealer::Sealer(env::Env& env, DatabaseFiles files, const Recipients& recipients, Outbox& outbox,
               StateFile file, std::optional<State> state)
    : env_(env),
      files_(std::move(files)),
      recipients_(recipients),
      outbox_(outbox),
      file_(std::move(file)) {
  if (state) {
    state_ = *std::move(state);
  }
}

Result<std::optional<WalIndex>> Sealer::read_index() {
  MC_ASSIGN(const auto file, env_.files().open(files_.index(), env::OpenMode::kRead));
  return read_wal_index(*file);
}

Result<void> Sealer::check_inode(const std::string& path, std::uint64_t& known) {
  const auto info = env_.files().stat(path);
  if (!info && info.error().code() != Code::kNotFound) {
    return tl::unexpected(info.error());
  }
  if (info && known == 0) {
    known = info->inode;
  }
  if (!info || info->inode != known) {
    return fail(Code::kFailedPrecondition, "{} was removed or replaced while it is open", path)
        .hint("stop the service at once, then restore: what it writes now is lost when it ends");
  }
  return {};
}

Result<void> Sealer::check_in_place() { return check_inode(files_.database, inodes_.database); }

Result<std::uint64_t> Sealer::look() {
  MC_TRY(check_inode(files_.log(), inodes_.log));
  MC_TRY(check_inode(files_.index(), inodes_.index));
  MC_ASSIGN(const auto index, read_index());
  const WalPoint& point = state_.point;
  const std::uint64_t end = index ? index->end() : 0;
  const std::uint64_t salts = index ? index->salts : 0;
  if (point.offset == 0) {
    return look_at_start(salts, end);
  }
  if (salts != point.header.salts) {
    // A checkpoint of ours, and none of others since, so that all was sealed that was written over.
    MC_ASSIGN(const bool untouched, is_untouched());
    const auto ended_at = times_.started_over_at();
    if (!checkpointed_ || !follows(salts, point.header.salts) || !untouched ||
        (end > 0 && ended_at && *ended_at != point.offset)) {
      return doubt("the log was started over by another process");
    }
    if (end == 0) {
      return point.offset;
    }
    start_generation();
    salts_expected_ = salts;
    return end;
  }
  if (end < point.offset) {
    return doubt("the log went back behind what was sealed");
  }
  return end;
}

// Nothing of the log is sealed: it must not have been started over with more than we know of.
Result<std::uint64_t> Sealer::look_at_start(std::uint64_t salts, std::uint64_t end) {
  if (salts_expected_ != salts) {
    // The first one to write to an emptied log may draw other salts; a checkpoint leaves its mark
    // on the database file.
    MC_ASSIGN(const bool untouched, is_untouched());
    if (!untouched) {
      return doubt("another process made a checkpoint");
    }
    salts_expected_ = salts;
  }
  return end;
}

Result<bool> Sealer::is_untouched() {
  MC_ASSIGN(const Fingerprint now, fingerprint_of(env_.files(), files_.database));
  return now == state_.database;
}

void Sealer::start_generation() {
  ++state_.generation;
  state_.log_before = state_.point.offset;
  state_.point = {};
  checkpointed_ = false;
  salts_expected_.reset();
  times_.start_over();
  if (generation_started_) {
    generation_started_();
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
  State next = state_;
  next.point = slice.end;
  next.previous = digest;
  next.last_commit = object.last_commit;
  next.log_bytes += slice.header.length;
  ++next.segments;
  if (const auto saved = remember(next); !saved) {
    // Not tried again: it may be on record, or not.
    return fail(Code::kDataLoss, "how far the log is sealed is not on record: {}",
                saved.error().message());
  }
  state_ = std::move(next);
  checkpointed_ = false;
  if (!keep_times_) {
    times_.forget(end);
  }
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

Result<void> Sealer::settle() {
  if (!state_.open) {
    return {};  // its end is on record
  }
  MC_TRY(outbox_.settle());
  return file_.save(state_);
}

// The bytes of `next` lie in the log, or the database, on stable storage. So it is enough to know
// after a power cut that there may have been more, and of which time.
Result<void> Sealer::remember(const State& next) {
  if (!file_.may_follow(next.last_commit)) {
    MC_TRY(outbox_.settle());
    MC_TRY(file_.save(state_, next.last_commit + kSettleEvery));
  }
  return file_.note(next);
}

Result<void> Sealer::end_epoch(const std::string& reason) {
  MC_ASSERT(state_.open, "an epoch ends once");
  kLogger.info("an epoch of the replica ended",
               {{"database", files_.database}, {"epoch", state_.epoch.name()}, {"reason", reason}});
  const std::string note = closing_note(state_, !file_.is_behind(), reason, env_.clock().now());
  state_.open = false;
  MC_TRY(outbox_.settle());
  MC_TRY(file_.save(state_));
  const ObjectName name{.epoch = state_.epoch, .kind = ObjectKind::kClosed};
  MC_TRY(write_object(outbox_.store(), name.name(), note));
  outbox_.add({.name = name, .size_bytes = note.size()});
  return outbox_.settle();
}

Result<void> Sealer::can_start(const NewEpoch& next) {
  MC_ASSIGN(const Fingerprint database, fingerprint_of(env_.files(), files_.database));
  MC_ASSIGN(const auto index, read_index());
  const std::uint64_t salts = index ? index->salts : 0;
  if (database != next.database || (next.salts != 0 && salts != next.salts)) {
    return fail(Code::kConflict, "the log was started over while the copy was made");
  }
  return {};
}

Result<void> Sealer::start_epoch(const NewEpoch& next) {
  MC_TRY(can_start(next));
  const State begun{.epoch = next.epoch,
                    .open = true,
                    .generation = 1,
                    .point = {},
                    .previous = next.digest,
                    .last_commit = {},
                    .opened = next.header.time,
                    .base_bytes = next.header.length,
                    .log_bytes = 0,
                    .segments = 0,
                    .recipients = next.recipients,
                    .database = next.database};
  // What a seal that failed left is ahead of the epoch before, and would not be told from it later.
  MC_TRY(outbox_.remove_strays());
  MC_TRY(outbox_.settle());  // the copy lies there
  MC_TRY(file_.save(begun));
  state_ = begun;
  checkpointed_ = false;
  salts_expected_.reset();
  if (next.salts != 0) {
    salts_expected_ = next.salts;
  }
  return {};
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
  MC_ASSIGN(const auto index, read_index());
  salts_before_ = index ? index->salts : 0;
  checkpointed_ = true;
  return {};
}

Result<void> Sealer::after_checkpoint() {
  if (!state_.open) {
    return {};
  }
  MC_ASSIGN(const auto index, read_index());
  const std::uint64_t salts = index ? index->salts : 0;
  if (salts != salts_before_ && !follows(salts, salts_before_)) {
    return doubt("another process made a checkpoint at the same time");
  }
  if (index && index->frame_count == 0) {
    if (state_.point.offset > 0) {
      start_generation();
    }
    times_.clear();
  }
  if (state_.point.offset == 0) {
    salts_expected_ = salts;
  }
  MC_ASSIGN(state_.database, fingerprint_of(env_.files(), files_.database));
  if (const auto saved = remember(state_); !saved) {
    return fail(Code::kDataLoss, "the checkpoint is not on record: {}", saved.error().message());
  }
  return {};
}

}  // namespace dsl::replica
