#include "dsl/replica/replicator.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <pthread.h>

#include "dsl/log/log.h"

namespace dsl::replica {
namespace {

const log::Logger kLogger("replica");

constexpr std::chrono::milliseconds kBasePauseMin{1000};
constexpr std::chrono::milliseconds kBasePauseMax{300000};
constexpr std::chrono::milliseconds kLookWait{5000};  // for mirrors to be looked at before a base
constexpr std::chrono::milliseconds kWaitStep{100};
constexpr std::chrono::milliseconds kFinishWait{5000};
// What the writer may seal itself before a checkpoint: it takes a few milliseconds.
constexpr std::uint64_t kSealedByWriterMax = 512u << 10;
// Below it a new copy would come oftener than it helps: replaying so much takes seconds.
constexpr std::uint64_t kLogBytesMin = 256u << 20;
constexpr int kFailuresMax = 10;

// Whether an object in the outbox is of what the state says was begun and sealed. What is ahead of
// it is sealed again: while the old one is on its way to a mirror, it must not take its place.
// After a power cut it may be torn, too; so without a state nothing is on record.
bool is_on_record(const ObjectName& name, const State& state) {
  const bool ahead =
      name.epoch == state.epoch && name.kind == ObjectKind::kSegment &&
      std::tuple(name.generation, name.offset) >= std::tuple(state.generation, state.point.offset);
  return name.epoch.number <= state.epoch.number && !ahead;
}

// What a process that was killed had not finished: copies of the database, as large as itself.
Result<void> remove_leftovers(env::FileSystem& files, const DatabaseFiles& database) {
  MC_ASSIGN(const auto names, files.list(database.folder()));
  for (const std::string& name : names) {
    const std::string path = database.folder() + "/" + name;
    const bool is_half_state =
        path.starts_with(database.state()) && path.find(".tmp-") != std::string::npos;
    if (path.starts_with(database.base_copy()) || is_half_state) {
      MC_TRY(files.remove(path));
    }
  }
  return {};
}

}  // namespace

std::string_view name_of(MirrorState state) {
  switch (state) {
    case MirrorState::kStarting:
      return "starting";
    case MirrorState::kFollowing:
      return "following";
    case MirrorState::kBehind:
      return "behind";
    case MirrorState::kFailing:
      return "failing";
    case MirrorState::kLost:
      return "lost";
  }
  return "unknown";
}

Replicator::Replicator(env::Env& env, const std::string& database, const Options& options)
    : env_(env), files_{database}, options_(options), base_pause_(kBasePauseMin) {}

Result<std::unique_ptr<Replicator>> Replicator::open(env::Env& env, const std::string& database,
                                                     const Options& options) {
  std::unique_ptr<Replicator> self(new Replicator(env, database, options));
  const DatabaseFiles& files = self->files_;
  MC_TRY(env.files().make_directories(files.folder(), 0700));
  MC_TRY(remove_leftovers(env.files(), files));
  StateFile state_file(env.files(), files.state());
  MC_ASSIGN(auto state, state_file.load());
  MC_ASSIGN(self->outbox_, Outbox::open(env, files.outbox(), options.mirrors.size(),
                                        options.spool_max, [&](const ObjectName& name) {
                                          return state && is_on_record(name, *state);
                                        }));
  self->epoch_highest_ = self->outbox_->epoch_highest();
  std::optional<std::string> doubt;
  if (state) {
    self->note_epoch(state->epoch.number);
    if (state->open && state_file.is_behind()) {
      doubt = "the machine was started again, and its disk may not have all that was sealed";
    } else if (state->open) {
      MC_ASSIGN(doubt, doubt_about(env.files(), database, *state));
      if (!doubt && state->recipients != digest_of(options.recipients)) {
        doubt = "it is for other recipients";
      }
    }
  }
  self->reason_ = state ? "the last epoch was ended" : "there is no copy yet";
  self->sealer_ = std::make_unique<Sealer>(env, files, self->options_.recipients, *self->outbox_,
                                           std::move(state_file), std::move(state));
  if (doubt) {
    const std::lock_guard guard(self->mutex_);
    self->end_epoch(*doubt);
  }
  for (std::size_t i = 0; i < options.mirrors.size(); ++i) {
    self->shippers_.push_back(std::make_unique<Shipper>(
        env, *self->outbox_, i, options.mirrors[i], files.name(), options.keep,
        ShipperEvents{
            .listed = [&self = *self](const std::set<Epoch>& epochs) { self.note_listed(epochs); },
            .stored = [&self = *self,
                       i](const OutboxObject& object) { self.object_stored(i, object); }}));
    self->tails_.push_back(options.mirrors[i].sync
                               ? std::make_unique<SyncTail>(env, self->shippers_.back()->store(),
                                                            self->options_.recipients)
                               : nullptr);
  }
  self->sealer_->on_generation([&self = *self] {
    const State& now = self.sealer_->state();
    for (const auto& tail : self.tails_) {
      if (tail != nullptr) {
        tail->start_generation(now.generation, now.log_before);
      }
    }
  });
  return self;
}

void Replicator::note_listed(const std::set<Epoch>& epochs) {
  if (epochs.empty()) {
    return;
  }
  note_epoch(epochs.rbegin()->number);
  const std::lock_guard guard(mutex_);
  for (const Epoch& epoch : epochs) {
    if (epoch.number >= sealer_->state().epoch.number) {
      listed_.insert(epoch);
    }
  }
}

void Replicator::note_epoch(std::uint32_t number) {
  std::uint32_t known = epoch_highest_;
  while (number > known && !epoch_highest_.compare_exchange_weak(known, number)) {
  }
}

Replicator::~Replicator() {
  stop();
  if (outbox_ != nullptr) {  // else it could not be opened
    outbox_->close();
  }
  shippers_.clear();
}

void Replicator::start(std::uint32_t page_bytes, CopyBase copy_base) {
  page_bytes_ = page_bytes;
  copy_base_ = std::move(copy_base);
  for (const auto& shipper : shippers_) {
    shipper->start();
  }
  thread_ = std::thread([this] { run(); });
  if (!has_sync()) {
    return;
  }
  // What is acknowledged from the first commit on is to be in the mirror.
  std::unique_lock lock(mutex_);
  while (!ending_) {
    bool waits = false;
    for (std::size_t i = 0; i < tails_.size(); ++i) {
      waits |= tails_[i] != nullptr && !tails_[i]->active() && shippers_[i]->status().error.empty();
    }
    if (!waits || failures_ > 0) {
      return;
    }
    (void)env_.clock().wait_until(changed_, lock, env_.clock().mono_now() + kWaitStep);
  }
}

bool Replicator::has_sync() const {
  return std::any_of(tails_.begin(), tails_.end(),
                     [](const auto& tail) { return tail != nullptr; });
}

void Replicator::run() {
  pthread_setname_np(pthread_self(), "replica");
  std::unique_lock lock(mutex_);
  while (!ending_) {
    step();
    (void)env_.clock().wait_until(woken_, lock, env_.clock().mono_now() + options_.seal_every);
  }
}

void Replicator::step() {
  take_times();
  seal();
  if (base_) {
    take_base();
  }
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    if (tails_[i] != nullptr && tails_[i]->active() && !is_whole(i)) {
      tails_[i]->deactivate();  // what it appends to may not be there any more
    }
    activate_tail(i);
  }
  if (base_running_ || env_.clock().mono_now() < base_not_before_) {
    return;
  }
  if (const auto reason = why_base_is_due()) {
    begin_base(*reason);
  }
}

void Replicator::take_times() {
  std::vector<Commit> times;
  {
    const std::lock_guard guard(times_mutex_);
    times.swap(new_times_);
  }
  for (const Commit& commit : times) {
    sealer_->times().add(commit.end, commit.time);
  }
}

void Replicator::seal() {
  if (!sealer_->open()) {
    return;
  }
  if (outbox_->all_lost()) {
    end_epoch("no mirror could be written, and more waits than may");
    return;
  }
  const std::uint64_t before = sealer_->state().point.offset;
  auto sealed = sealer_->seal();
  if (sealed) {
    sealed = sealer_->check_in_place();
  }
  if (!sealed) {
    failed(sealed.error());
    return;
  }
  failures_ = 0;
  sealed_end_ = sealer_->state().point.offset;
  if (sealed_end_ == before) {
    return;
  }
  for (const auto& tail : tails_) {
    if (tail != nullptr) {
      tail->rotate();
    }
  }
}

// A doubt ends the epoch at once; what may pass gets some tries.
void Replicator::failed(const Error& error) {
  ++failures_;
  if (error.code() == Code::kUnavailable && failures_ < kFailuresMax) {
    kLogger.failure(log::Level::kWarn, "the log was not sealed; tried again", error);
    return;
  }
  if (error.code() == Code::kFailedPrecondition) {
    kLogger.failure(log::Level::kError, "no write is acknowledged any more", error);
    gone_ = true;
  }
  end_epoch(error.message());
}

void Replicator::end_epoch(const std::string& reason) {
  reason_ = reason;
  if (const auto ended = sealer_->end_epoch(reason); !ended) {
    kLogger.failure(log::Level::kWarn, "the end of the epoch is not on record", ended.error());
  }
  for (const auto& tail : tails_) {
    if (tail != nullptr) {
      tail->deactivate();
    }
  }
  changed_.notify_all();
}

std::optional<std::string> Replicator::why_base_is_due() const {
  if (outbox_->all_lost() || gone_) {
    return std::nullopt;
  }
  if (!sealer_->open()) {
    return reason_;
  }
  const State& state = sealer_->state();
  const bool is_newest = std::all_of(listed_.begin(), listed_.end(), [&](const Epoch& epoch) {
    return epoch.number < state.epoch.number || epoch == state.epoch;
  });
  if (!is_newest) {
    // Left by a process that was killed as it began it, or of another copy of this service: whoever
    // restores takes it for the newest.
    return "a mirror has a later epoch";
  }
  if (env_.clock().now() - state.opened >= options_.base_every) {
    return "the last copy is old";
  }
  if (state.log_bytes > std::max(2 * state.base_bytes, kLogBytesMin)) {
    return "the log is larger than two copies";
  }
  for (std::size_t i = 0; i < shippers_.size(); ++i) {
    if (shippers_[i]->looked() && !outbox_->lost(i) && !is_whole(i)) {
      return text("{} has no copy, or not all that came after it", options_.mirrors[i].directory);
    }
  }
  return std::nullopt;
}

// Whether the mirror has, or is going to get, base and segments of the open epoch. Also where it
// was swapped or emptied, or lost some of them before this process began.
bool Replicator::is_whole(std::size_t mirror) const {
  const State& state = sealer_->state();
  const bool base_waits = outbox_->waits_for(mirror, {.epoch = state.epoch});
  const std::uint64_t waiting = outbox_->waiting_segments(mirror, state.epoch);
  if (base_waits) {
    return waiting >= state.segments;
  }
  return shippers_[mirror]->has_segments(state.epoch,
                                         state.segments - std::min(waiting, state.segments));
}

void Replicator::begin_base(const std::string& reason) {
  kLogger.info("a copy of the database begins another epoch of its replica",
               {{"database", files_.database}, {"reason", reason}});
  base_running_ = true;
  sealer_->keep_times(true);
  if (base_thread_.joinable()) {
    base_thread_.join();  // it has delivered long ago
  }
  base_thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "replica-base");
    Result<NewEpoch> made = make_base();
    const std::lock_guard guard(mutex_);
    base_ = std::move(made);
    woken_.notify_one();
  });
}

Result<NewEpoch> Replicator::make_base() {
  // Whichever mirror answers in time has its say in the number.
  const env::MonoTime until = env_.clock().mono_now() + kLookWait;
  while (std::any_of(shippers_.begin(), shippers_.end(),
                     [](const auto& shipper) { return !shipper->looked(); }) &&
         env_.clock().mono_now() < until) {
    env_.clock().sleep_for(kWaitStep / 10);
  }
  NewEpoch next{.epoch = {.number = ++epoch_highest_, .random = env_.random().hex(4)}};
  MC_TRY(remove_leftovers(env_.files(), files_));
  {
    // Restores look for the newest commit of all epochs: time does not go back from one to the
    // next.
    const std::lock_guard guard(mutex_);
    next.header.time = sealer_->state().last_commit;
  }
  const Result<void> made = make_base_of(next);
  const Result<void> removed = remove_leftovers(env_.files(), files_);
  MC_TRY(made);
  MC_TRY(removed);
  return next;
}

Result<void> Replicator::make_base_of(NewEpoch& next) {
  const auto read_index = [this]() -> Result<WalIndex> {
    MC_ASSIGN(const auto file, env_.files().open(files_.index(), env::OpenMode::kRead));
    MC_ASSIGN(const auto index, read_wal_index(*file));
    return index.value_or(WalIndex{});
  };
  std::optional<WalIndex> before;
  MC_ASSIGN(const CopiedBase copied, copy_base_(files_.base_copy(), [&]() -> Result<void> {
              MC_ASSIGN(const WalIndex index, read_index());
              if (!before) {
                before = index;
                MC_ASSIGN(next.database, fingerprint_of(env_.files(), files_.database));
                return {};
              }
              // The header has to say exactly which commit the copy ends with.
              if (index.salts != before->salts || index.end() != before->end()) {
                return fail(Code::kUnavailable, "another process writes to the database");
              }
              next.salts = index.salts;
              next.header.position = index.end();
              next.header.time = std::max(next.header.time, env_.clock().now());
              // Whoever restores before the new epoch has begun takes the old one for its later
              // commits, and knows them by their times alone.
              const std::lock_guard guard(times_mutex_);
              times_not_before_ = next.header.time + std::chrono::milliseconds(1);
              return {};
            }));
  MC_TRY(pack_base(env_, files_, copied, options_.recipients, outbox_->store(), next));
  outbox_->add({.name = {.epoch = next.epoch},
                .size_bytes = next.stored_bytes,
                .last_commit = next.header.time});
  return {};
}

// With the copy in the outbox. A planned epoch begins only once the mirrors with `sync` have its
// copy, so that there is always one that takes the next commit.
void Replicator::take_base() {
  const auto done = [&] {
    base_.reset();
    base_running_ = false;
    sealer_->keep_times(false);
  };
  if (!*base_) {
    kLogger.failure(log::Level::kWarn, "the database could not be copied for its replica",
                    base_->error());
    ++failures_;
    reason_ = sealer_->open() ? reason_ : base_->error().message();
    base_not_before_ = env_.clock().mono_now() + base_pause_;
    base_pause_ = std::min(2 * base_pause_, kBasePauseMax);
    done();
    return;
  }
  const NewEpoch next = **base_;
  if (sealer_->open()) {
    if (!sync_mirrors_have(next.epoch)) {
      return;
    }
  }
  auto started = sealer_->can_start(next);
  if (started && sealer_->open()) {
    end_epoch("another copy was due");
  }
  if (started) {
    started = sealer_->start_epoch(next);
  }
  if (!started) {
    kLogger.failure(log::Level::kWarn, "the copy came too late", started.error());
    outbox_->drop({.epoch = next.epoch});
    reason_ = sealer_->open() ? reason_ : started.error().message();
    done();
    return;
  }
  base_pause_ = kBasePauseMin;
  reason_.clear();
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    activate_tail(i);
  }
  seal();
  done();
  changed_.notify_all();
}

bool Replicator::sync_mirrors_have(const Epoch& epoch) const {
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    if (tails_[i] != nullptr && !shippers_[i]->has_base(epoch) && !outbox_->lost(i)) {
      return false;
    }
  }
  return true;
}

// A tail begins where the mirror has all that is sealed of its epoch. What it may still lack of the
// one before, such as the note of its end, is in the copy as well: waiting for that would let
// commits by without the mirror whenever a planned epoch begins.
void Replicator::activate_tail(std::size_t mirror) {
  if (tails_[mirror] == nullptr || tails_[mirror]->active() || !sealer_->open() ||
      outbox_->lost(mirror) || !shippers_[mirror]->looked()) {
    return;
  }
  const Epoch& epoch = sealer_->state().epoch;
  const bool has_all = !outbox_->waits_for(mirror, {.epoch = epoch}) &&
                       outbox_->waiting_segments(mirror, epoch) == 0 &&
                       shippers_[mirror]->status().error.empty() && is_whole(mirror);
  if (!has_all) {
    return;
  }
  tails_[mirror]->activate(sealer_->tail_start());
  if (append_tails()) {
    changed_.notify_all();
  }
}

void Replicator::object_stored(std::size_t mirror, const OutboxObject& object) {
  const std::lock_guard guard(mutex_);
  if (tails_[mirror] != nullptr) {
    // Not with CLOSED: what is acknowledged may be in no segment when an epoch ends with a doubt.
    if (object.name.kind == ObjectKind::kSegment && object.end > 0) {
      tails_[mirror]->forget(object.name.epoch, object.name.generation, object.end);
    }
    activate_tail(mirror);
  }
  changed_.notify_all();
}

Result<void> Replicator::committed(std::uint64_t frames, const std::function<void()>& meanwhile) {
  const std::uint64_t end = end_of(frames);
  {
    const std::lock_guard guard(times_mutex_);
    new_times_.push_back({.end = end, .time = std::max(env_.clock().now(), times_not_before_)});
  }
  if (end >= sealed_end_ + options_.seal_bytes) {
    woken_.notify_one();
  }
  const auto gone = [this]() -> Result<void> {
    return fail(Code::kFailedPrecondition,
                "the files of {} were removed or replaced while it is open", files_.database)
        .hint("stop the service at once, then restore");
  };
  if (!has_sync() || gone_) {
    return gone_ ? gone() : Result<void>();
  }
  std::unique_lock lock(mutex_);
  while (!append_tails() && !gone_ && options_.on_sync_failure == OnSyncFailure::kBlock) {
    if (!waits_) {
      return fail(Code::kUnavailable,
                  "{}: the write is kept here, but a mirror that must have it does not",
                  files_.database)
          .hint("look at the mirrors; the write may be found when the service starts again");
    }
    lock.unlock();
    meanwhile();
    lock.lock();
    (void)env_.clock().wait_until(changed_, lock, env_.clock().mono_now() + kWaitStep);
  }
  return gone_ ? gone() : Result<void>();
}

// True when every mirror with `sync` has all that is committed.
bool Replicator::append_tails() {
  if (!sealer_->open()) {
    return false;
  }
  take_times();
  const auto end = sealer_->look();
  if (!end) {
    failed(end.error());
    return false;
  }
  const auto log = env_.files().open(files_.log(), env::OpenMode::kRead);
  bool all = log.has_value();
  for (std::size_t i = 0; log && i < tails_.size(); ++i) {
    if (tails_[i] == nullptr) {
      continue;
    }
    if (!tails_[i]->active()) {
      all = false;
    } else if (const auto stored = tails_[i]->append(**log, *end, sealer_->times()); !stored) {
      kLogger.failure(log::Level::kError,
                      "a mirror did not take a commit: " + options_.mirrors[i].directory,
                      stored.error());
      all = false;
    }
  }
  if (const auto in_place = sealer_->check_in_place(); !in_place) {
    failed(in_place.error());
    return false;
  }
  return all;
}

std::uint64_t Replicator::end_of(std::uint64_t frames) const {
  return frames == 0 ? 0 : kWalHeaderBytes + frames * (kFrameHeaderBytes + page_bytes_);
}

bool Replicator::ready_for_checkpoint(std::uint64_t frames) {
  if (end_of(frames) <= sealed_end_ + kSealedByWriterMax) {
    return true;
  }
  woken_.notify_one();
  return false;
}

bool Replicator::before_checkpoint() {
  // What is done with the lock held is done on the database's own disk, or is what a commit waits
  // for as well.
  std::unique_lock lock(mutex_);
  if (base_running_) {
    return false;
  }
  take_times();
  if (const auto ready = sealer_->before_checkpoint(); !ready) {
    failed(ready.error());
    return false;
  }
  lock.release();  // until after_checkpoint
  return true;
}

void Replicator::after_checkpoint() {
  const std::unique_lock lock(mutex_, std::adopt_lock);
  if (const auto noted = sealer_->after_checkpoint(); !noted) {
    failed(noted.error());
  }
  sealed_end_ = sealer_->state().point.offset;
}

void Replicator::stop_waiting() {
  {
    const std::lock_guard guard(mutex_);
    waits_ = false;
  }
  changed_.notify_all();
}

void Replicator::stop() {
  {
    const std::lock_guard guard(mutex_);
    waits_ = false;
    ending_ = true;
  }
  woken_.notify_all();
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
  if (base_thread_.joinable()) {
    base_thread_.join();
  }
  const std::lock_guard guard(mutex_);
  if (base_) {
    take_base();  // the next start goes on with it
  }
  base_running_ = false;
}

void Replicator::finish() {
  {
    const std::lock_guard guard(mutex_);
    if (const auto settled = sealer_->settle(); !settled) {
      kLogger.failure(log::Level::kWarn, "the next start may begin another epoch of the replica",
                      settled.error());
    }
  }
  const env::MonoTime until = env_.clock().mono_now() + kFinishWait;
  for (std::size_t i = 0; i < shippers_.size(); ++i) {
    const bool can = shippers_[i]->looked() && shippers_[i]->status().error.empty();
    if (!can || !outbox_->wait_until_taken(i, until)) {
      kLogger.info("a mirror gets the last commits when the service starts again",
                   {{"database", files_.database}, {"mirror", options_.mirrors[i].directory}});
    }
  }
}

Status Replicator::status() const {
  Status status;
  {
    const std::lock_guard guard(mutex_);
    const State& state = sealer_->state();
    status.following = state.open;
    status.epoch = state.generation == 0 ? "" : state.epoch.name();
    status.reason = reason_;
    status.generation = state.generation;
    status.offset = state.point.offset;
    status.sealed_until = state.last_commit;
    for (const auto& shipper : shippers_) {
      status.mirrors.push_back(shipper->status());
      const auto& tail = tails_[status.mirrors.size() - 1];
      status.mirrors.back().sync_active = tail != nullptr && tail->active();
    }
  }
  return status;
}

bool Replicator::wait_until_stored(std::chrono::milliseconds timeout) {
  const env::MonoTime until = env_.clock().mono_now() + timeout;
  std::unique_lock lock(mutex_);
  while (true) {
    take_times();
    if (!base_running_) {
      seal();
    }
    bool all = sealer_->open() && !base_running_;
    for (std::size_t i = 0; all && i < shippers_.size(); ++i) {
      const MirrorStatus mirror = shippers_[i]->status();
      all = (mirror.state == MirrorState::kFollowing && is_whole(i)) ||
            mirror.state == MirrorState::kFailing || mirror.state == MirrorState::kLost;
    }
    if (all) {
      return true;
    }
    if (env_.clock().mono_now() >= until) {
      return false;
    }
    const env::MonoTime next = env_.clock().mono_now() + kWaitStep;
    (void)env_.clock().wait_until(changed_, lock, std::min(until, next));
  }
}

}  // namespace dsl::replica
