#include "dsl/replica/shipper.h"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/json/serialize.hpp>
#include <pthread.h>
#include <unistd.h>

#include "dsl/log/log.h"
#include "dsl/replica/chain.h"
#include "dsl/replica/directory_store.h"

namespace dsl::replica {
namespace {

const log::Logger kLogger("replica");

constexpr std::chrono::milliseconds kPauseMin{500};
constexpr std::chrono::milliseconds kPauseMax{30000};
constexpr std::chrono::milliseconds kLookEvery{1000};
constexpr std::size_t kClosedBytesMax = 64u << 10;
constexpr std::size_t kEpochsKept = 2;  // whatever their age

std::string note_of_successor(const Epoch& epoch, const Epoch& successor, env::WallTime now) {
  return boost::json::serialize(boost::json::object{
             {"format", "metacircular-replica-closed-1"},
             {"epoch", epoch.name()},
             {"reason", text("it was left open; {} came after it", successor.name())},
             {"closed_ms", now.time_since_epoch().count()}}) +
         "\n";
}

}  // namespace

Shipper::Shipper(env::Env& env, Outbox& outbox, std::size_t index, MirrorOptions options,
                 const std::string& database_name, std::chrono::milliseconds keep,
                 ShipperEvents events)
    : env_(env),
      outbox_(outbox),
      index_(index),
      options_(std::move(options)),
      keep_(keep),
      events_(std::move(events)),
      store_(directory_store(env, options_.directory + "/" + database_name)),
      pause_(kPauseMin) {
  status_.place = options_.directory;
  status_.sync = options_.sync;
}

Shipper::~Shipper() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  outbox_.close();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Shipper::start() {
  thread_ = std::thread([this] { run(); });
}

void Shipper::run() {
  pthread_setname_np(pthread_self(), "replica-ship");
  while (true) {
    const auto seen = look();
    looked_ = true;
    if (seen) {
      worked();
      break;
    }
    failed(seen.error());
    if (!pause()) {
      return;
    }
  }
  while (true) {
    if (outbox_.lost(index_)) {
      if (const auto back = probe(); !back) {
        failed(back.error());
      } else {
        outbox_.regained(index_);
      }
    }
    const auto object = outbox_.next(index_, env_.clock().mono_now() + kLookEvery);
    if (object) {
      if (const auto shipped = ship(*object); !shipped) {
        failed(shipped.error());
        if (!pause()) {
          return;
        }
      }
      continue;
    }
    if (const auto there = outbox_.lost(index_) ? Result<void>() : look_again(); !there) {
      failed(there.error());
    }
    const std::lock_guard guard(mutex_);
    if (ending_) {
      return;
    }
  }
}

// A directory that is not there may be a disk that is not mounted: it is not made.
Result<void> Shipper::check_there() {
  MC_ASSIGN(const bool exists, env_.files().exists(options_.directory));
  if (!exists) {
    return fail(Code::kNotFound, "the mirror {} is not there", options_.directory)
        .hint("mount its disk, or make the directory");
  }
  return {};
}

// At first, and when it may be another disk that is there, or one that somebody has emptied: the
// lock is then that of another file.
Result<void> Shipper::look() {
  MC_TRY(check_there());
  MC_TRY(env_.files().make_directories(store_->place(), 0700));
  lock_.reset();
  MC_ASSIGN(lock_, env_.files().lock(store_->place() + "/lock", text("process {}", ::getpid())));
  MC_ASSIGN(const auto objects, store_->list());
  take_note(objects);
  must_look_ = false;
  return {};
}

// While there is nothing to ship: a mirror that is gone is to be told before it is needed.
Result<void> Shipper::look_again() {
  if (must_look_) {
    MC_TRY(look());
    worked();
    return {};
  }
  MC_TRY(check_there());
  std::unique_lock lock(mutex_);
  if (bases_.empty()) {
    return {};
  }
  const Epoch newest = *bases_.rbegin();
  lock.unlock();
  MC_ASSIGN(const bool base_there, store_->contains(ObjectName{.epoch = newest}.name()));
  if (!base_there) {
    lock.lock();
    bases_.erase(newest);
  }
  return {};
}

void Shipper::take_note(const std::vector<StoredObject>& objects) {
  std::set<Epoch> epochs;
  std::set<Epoch> bases;
  std::map<Epoch, std::uint64_t> segments;
  for (const StoredObject& object : objects) {
    const auto name = parse_object(object.name);
    if (!name) {
      continue;
    }
    epochs.insert(name->epoch);
    // Later looks may see what this process appends.
    if (name->kind == ObjectKind::kTail && !looked_) {
      old_tails_.push_back(*name);
    }
    if (name->kind == ObjectKind::kBase) {
      bases.insert(name->epoch);
    }
    if (name->kind == ObjectKind::kSegment) {
      ++segments[name->epoch];
    }
  }
  {
    const std::lock_guard guard(mutex_);
    bases_ = std::move(bases);
    segments_ = std::move(segments);
  }
  events_.listed(epochs);
}

Result<void> Shipper::copy(const OutboxObject& object) {
  const auto copied = copy_object(outbox_.store(), *store_, object.name.name());
  if (!copied && copied.error().code() == Code::kNotFound) {
    MC_ASSIGN(const bool is_there, outbox_.store().contains(object.name.name()));
    if (!is_there && outbox_.waits_for(index_, object.name)) {
      kLogger.failure(log::Level::kError, "somebody removed what waits for the mirrors",
                      copied.error());
      outbox_.drop(object.name);  // the mirrors are not whole any more; another copy is due
    }
    if (!is_there) {
      return {};
    }
  }
  MC_TRY(copied);
  return {};
}

Result<void> Shipper::ship(const OutboxObject& object) {
  MC_TRY(check_there());
  if (must_look_) {
    MC_TRY(look());
  }
  MC_ASSIGN(const bool replaces, store_->contains(object.name.name()));
  MC_TRY(copy(object));
  MC_ASSIGN(const bool arrived, store_->contains(object.name.name()));
  // Before its first segment the epoch before may still go on.
  if (arrived && object.name.kind == ObjectKind::kSegment && object.name.generation == 1 &&
      object.name.offset == 0) {
    MC_TRY(close_older(object.name.epoch));
    MC_TRY(remove_old(object.name.epoch));
  }
  MC_ASSIGN(const bool base_there, store_->contains(ObjectName{.epoch = object.name.epoch}.name()));
  // A segment of this process holds all that an earlier one appended to a tail of the same epoch.
  if (arrived && object.name.kind == ObjectKind::kSegment && object.end > 0) {
    for (const ObjectName& tail : old_tails_) {
      if (tail.epoch == object.name.epoch) {
        MC_TRY(store_->remove(tail.name()));
      }
    }
    std::erase_if(old_tails_,
                  [&](const ObjectName& tail) { return tail.epoch == object.name.epoch; });
  }
  {
    const std::lock_guard guard(mutex_);
    if (arrived && !replaces && object.name.kind == ObjectKind::kSegment) {
      ++segments_[object.name.epoch];
    }
    status_.stored_until = std::max(status_.stored_until, object.last_commit);
    if (base_there) {
      bases_.insert(object.name.epoch);
    } else {
      bases_.erase(object.name.epoch);
    }
  }
  must_look_ = !base_there;
  outbox_.done(index_, object);
  worked();
  events_.stored(object);
  return {};
}

// An epoch that nobody could close, because its end was lost with the machine.
Result<void> Shipper::close_older(const Epoch& epoch) {
  MC_ASSIGN(const auto objects, store_->list());
  std::set<Epoch> open;
  std::set<Epoch> closed;
  for (const StoredObject& object : objects) {
    if (const auto name = parse_object(object.name); name && name->epoch.number < epoch.number) {
      (name->kind == ObjectKind::kClosed ? closed : open).insert(name->epoch);
    }
  }
  for (const Epoch& older : open) {
    const ObjectName note{.epoch = older, .kind = ObjectKind::kClosed};
    if (!closed.contains(older) && !outbox_.waits_for(index_, note)) {
      MC_TRY(
          write_object(*store_, note.name(), note_of_successor(older, epoch, env_.clock().now())));
    }
  }
  return {};
}

Result<void> Shipper::remove_old(const Epoch& epoch) {
  MC_ASSIGN(const auto objects, store_->list());
  std::set<Epoch> epochs;
  for (const StoredObject& object : objects) {
    if (const auto name = parse_object(object.name);
        name && name->kind == ObjectKind::kClosed && name->epoch.number < epoch.number) {
      epochs.insert(name->epoch);
    }
  }
  const env::WallTime now = env_.clock().now();
  while (epochs.size() + 1 > kEpochsKept) {
    const Epoch oldest = *epochs.begin();
    epochs.erase(epochs.begin());
    const ObjectName note{.epoch = oldest, .kind = ObjectKind::kClosed};
    MC_ASSIGN(const std::string content, read_object(*store_, note.name(), kClosedBytesMax));
    EpochSummary summary;
    read_closing_note(content, summary);
    if (summary.closed_at && *summary.closed_at + keep_ < now) {
      MC_TRY(remove_epoch(oldest, objects));
      kLogger.info("an old epoch of the replica was removed",
                   {{"mirror", store_->place()}, {"epoch", oldest.name()}});
    }
  }
  return {};
}

// The base first and the note last: cut off in between it is no epoch to restore from, and is
// removed the next time.
Result<void> Shipper::remove_epoch(const Epoch& epoch, const std::vector<StoredObject>& objects) {
  MC_TRY(store_->remove(ObjectName{.epoch = epoch}.name()));
  for (const StoredObject& object : objects) {
    const auto name = parse_object(object.name);
    if (name && name->epoch == epoch && name->kind != ObjectKind::kClosed) {
      MC_TRY(store_->remove(object.name));
    }
  }
  return store_->remove_folder(epoch.name());
}

Result<void> Shipper::probe() {
  MC_TRY(check_there());
  const std::string path = store_->place() + "/probe";
  MC_TRY(env_.files().write_file(path, "can this mirror be written?\n", 0600));
  return env_.files().remove(path);
}

void Shipper::failed(const Error& error) {
  must_look_ = true;
  std::unique_lock lock(mutex_);
  const bool news = status_.error != error.message();
  status_.error = error.message();
  lock.unlock();
  if (news) {
    kLogger.failure(log::Level::kWarn, "a mirror cannot be written: " + options_.directory, error);
  }
}

void Shipper::worked() {
  std::unique_lock lock(mutex_);
  const bool news = !status_.error.empty();
  status_.error.clear();
  lock.unlock();
  pause_ = kPauseMin;
  if (news) {
    kLogger.info("a mirror can be written again", {{"mirror", options_.directory}});
  }
}

bool Shipper::pause() {
  std::unique_lock lock(mutex_);
  const env::MonoTime until = env_.clock().mono_now() + pause_;
  pause_ = std::min(2 * pause_, kPauseMax);
  while (!ending_ && env_.clock().wait_until(ended_, lock, until)) {
  }
  return !ending_;
}

bool Shipper::has_base(const Epoch& epoch) const {
  const std::lock_guard guard(mutex_);
  return bases_.contains(epoch) || !status_.error.empty();
}

bool Shipper::has_segments(const Epoch& epoch, std::uint64_t segments) const {
  const std::lock_guard guard(mutex_);
  if (!status_.error.empty()) {
    return true;
  }
  const auto found = segments_.find(epoch);
  return bases_.contains(epoch) && (found == segments_.end() ? 0 : found->second) >= segments;
}

MirrorStatus Shipper::status() const {
  std::unique_lock lock(mutex_);
  MirrorStatus status = status_;
  lock.unlock();
  status.lag_bytes = outbox_.waiting_bytes(index_);
  if (outbox_.lost(index_)) {
    status.state = MirrorState::kLost;
  } else if (!status.error.empty()) {
    status.state = MirrorState::kFailing;
  } else if (!looked_) {
    status.state = MirrorState::kStarting;
  } else {
    status.state = status.lag_bytes > 0 ? MirrorState::kBehind : MirrorState::kFollowing;
  }
  return status;
}

}  // namespace dsl::replica
