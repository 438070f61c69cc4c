#include "dsl/replica/outbox.h"

#include <algorithm>
#include <utility>

#include "dsl/log/log.h"
#include "dsl/replica/directory_store.h"

namespace dsl::replica {
namespace {

const log::Logger kLogger("replica");

constexpr std::uint32_t kFolderMode = 0700;

std::set<std::size_t> every_mirror(const std::vector<bool>& lost) {
  std::set<std::size_t> mirrors;
  for (std::size_t i = 0; i < lost.size(); ++i) {
    if (!lost[i]) {
      mirrors.insert(i);
    }
  }
  return mirrors;
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(env::Env& env, const std::string& directory,
                                             std::size_t mirrors, std::uint64_t bytes_max,
                                             const std::function<bool(const ObjectName&)>& wanted) {
  MC_TRY(env.files().make_directories(directory, kFolderMode));
  auto store = directory_store(env, directory, Durability::kLater);
  MC_ASSIGN(const auto objects, store->list());
  std::unique_ptr<Outbox> outbox(new Outbox(env, std::move(store), mirrors, bytes_max));
  std::set<std::string> folders;
  for (const StoredObject& object : objects) {
    if (auto name = parse_object(object.name)) {
      outbox->epoch_highest_ = std::max(outbox->epoch_highest_, name->epoch.number);
      if (wanted(*name)) {
        folders.insert(name->epoch.name());
        outbox->add({.name = *std::move(name), .size_bytes = object.size_bytes});
      } else {
        MC_TRY(outbox->store_->remove(object.name));
      }
    }
  }
  MC_ASSIGN(const auto found, env.files().list(directory));
  for (const std::string& folder : found) {
    if (!folders.contains(folder) && parse_epoch(folder)) {
      MC_TRY(outbox->store_->remove_folder(folder));
    }
  }
  return outbox;
}

Outbox::Outbox(env::Env& env, std::unique_ptr<Store> store, std::size_t mirrors,
               std::uint64_t bytes_max)
    : env_(env), store_(std::move(store)), bytes_max_(bytes_max), lost_(mirrors, false) {}

void Outbox::add(OutboxObject object) {
  const std::lock_guard guard(mutex_);
  object.serial = ++serial_;
  epoch_highest_ = std::max(epoch_highest_, object.name.epoch.number);
  const auto place = std::lower_bound(
      entries_.begin(), entries_.end(), object.name,
      [](const Entry& entry, const ObjectName& name) { return entry.object.name < name; });
  // Before the object comes to it: one alone may be as large as it must be.
  for (std::size_t mirror = 0; mirror < lost_.size(); ++mirror) {
    if (!lost_[mirror] && bytes_of(mirror) > bytes_max_) {
      lost_[mirror] = true;
      for (Entry& entry : entries_) {
        entry.waiting.erase(mirror);
      }
    }
  }
  // A segment that is sealed again, after a restart, replaces the one before.
  if (place != entries_.end() && place->object.name == object.name) {
    *place = {.object = std::move(object), .waiting = every_mirror(lost_)};
  } else {
    entries_.insert(place, {.object = std::move(object), .waiting = every_mirror(lost_)});
  }
  forget_taken();
  changed_.notify_all();
}

Result<void> Outbox::settle() {
  std::vector<std::string> names;
  std::set<std::uint64_t> serials;
  {
    const std::lock_guard guard(mutex_);
    for (const Entry& entry : entries_) {
      if (!entry.settled) {
        names.push_back(entry.object.name.name());
        serials.insert(entry.object.serial);
      }
    }
  }
  MC_TRY(sync_objects(env_.files(), store_->place(), names));
  const std::lock_guard guard(mutex_);
  for (Entry& entry : entries_) {
    entry.settled |= serials.contains(entry.object.serial);
  }
  return {};
}

Result<void> Outbox::remove_strays() {
  MC_ASSIGN(const auto objects, store_->list());
  std::set<std::string> added;
  {
    const std::lock_guard guard(mutex_);
    for (const Entry& entry : entries_) {
      added.insert(entry.object.name.name());
    }
  }
  std::set<std::string> folders;
  for (const StoredObject& object : objects) {
    const auto name = parse_object(object.name);
    if (name && !added.contains(object.name)) {
      MC_TRY(store_->remove(object.name));
      folders.insert(name->epoch.name());
    }
  }
  for (const std::string& folder : folders) {
    MC_TRY(env_.files().sync_directory(store_->place() + "/" + folder));
  }
  return {};
}

std::optional<OutboxObject> Outbox::next(std::size_t mirror, env::MonoTime deadline) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (closed_) {
      return std::nullopt;
    }
    for (const Entry& entry : entries_) {
      if (entry.waiting.contains(mirror)) {
        return entry.object;
      }
    }
    if (!env_.clock().wait_until(changed_, lock, deadline)) {
      return std::nullopt;
    }
  }
}

void Outbox::done(std::size_t mirror, const OutboxObject& object) {
  const std::lock_guard guard(mutex_);
  for (Entry& entry : entries_) {
    if (entry.object.serial == object.serial) {
      entry.waiting.erase(mirror);
    }
  }
  forget_taken();
  changed_.notify_all();
}

void Outbox::drop(const ObjectName& name) {
  const std::lock_guard guard(mutex_);
  for (Entry& entry : entries_) {
    if (entry.object.name == name) {
      entry.waiting.clear();
    }
  }
  forget_taken();
  changed_.notify_all();
}

bool Outbox::lost(std::size_t mirror) const {
  const std::lock_guard guard(mutex_);
  return lost_[mirror];
}

void Outbox::regained(std::size_t mirror) {
  const std::lock_guard guard(mutex_);
  lost_[mirror] = false;
}

bool Outbox::all_lost() const {
  const std::lock_guard guard(mutex_);
  return every_mirror(lost_).empty();
}

bool Outbox::waits_for(std::size_t mirror, const ObjectName& name) const {
  const std::lock_guard guard(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.object.name == name && entry.waiting.contains(mirror);
  });
}

std::uint64_t Outbox::waiting_bytes(std::size_t mirror) const {
  const std::lock_guard guard(mutex_);
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries_) {
    if (entry.waiting.contains(mirror)) {
      bytes += entry.object.size_bytes;
    }
  }
  return bytes;
}

std::uint64_t Outbox::waiting_segments(std::size_t mirror, const Epoch& epoch) const {
  const std::lock_guard guard(mutex_);
  std::uint64_t segments = 0;
  for (const Entry& entry : entries_) {
    if (entry.waiting.contains(mirror) && entry.object.name.epoch == epoch &&
        entry.object.name.kind == ObjectKind::kSegment) {
      ++segments;
    }
  }
  return segments;
}

std::uint32_t Outbox::epoch_highest() const {
  const std::lock_guard guard(mutex_);
  return epoch_highest_;
}

bool Outbox::wait_until_taken(std::size_t mirror, env::MonoTime deadline) {
  std::unique_lock lock(mutex_);
  while (std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.waiting.contains(mirror); })) {
    if (!env_.clock().wait_until(changed_, lock, deadline)) {
      return false;
    }
  }
  return true;
}

void Outbox::close() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  changed_.notify_all();
}

// A base counts nothing: it is as large as it must be.
std::uint64_t Outbox::bytes_of(std::size_t mirror) const {
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries_) {
    if (entry.waiting.contains(mirror) && entry.object.name.kind != ObjectKind::kBase) {
      bytes += entry.object.size_bytes;
    }
  }
  return bytes;
}

void Outbox::forget_taken() {
  std::erase_if(entries_, [&](const Entry& entry) {
    if (!entry.waiting.empty()) {
      return false;
    }
    // Left there it would be stored once more after the next start, and no harm done.
    if (const auto removed = store_->remove(entry.object.name.name()); !removed) {
      kLogger.failure(log::Level::kWarn, "a stored object stays in the outbox", removed.error());
    }
    return true;
  });
}

}  // namespace dsl::replica
