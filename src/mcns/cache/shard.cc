#include "mcns/cache/shard.h"

#include <algorithm>
#include <bit>

#include "dsl/result/result.h"

namespace mcns {
namespace {

constexpr std::size_t kSlotsMin = 16;
constexpr std::size_t kSmallPart = 10;       // a tenth is for what nobody asked again yet
constexpr std::size_t kLargestPart = 4;      // more than a quarter of all is not kept
constexpr std::size_t kBytesPerGhost = 512;  // about as many as entries
constexpr std::uint8_t kFrequencyMax = 3;

}  // namespace

Shard::Shard(const CacheOptions& options, std::size_t limit_bytes)
    : limit_bytes_(limit_bytes),
      options_(options),
      slots_(kSlotsMin),
      ghost_(std::bit_ceil(limit_bytes / kBytesPerGhost + 1)) {
  publish_table();
}

Shard::~Shard() {
  for (const Slot& slot : slots_) {
    (void)Entry::Owner(slot.entry);
  }
}

Cache::Hit Shard::lookup(std::uint64_t hash, const Query& query, std::int64_t now_ms, bool stale_ok,
                         char* buffer, std::size_t size_max) {
  const std::lock_guard lock(mutex_);
  const std::size_t at = find(hash);
  Entry* entry = slots_[at].entry;
  if (entry != nullptr && !entry->matches(query)) {
    entry = nullptr;
  }
  if (entry != nullptr && entry->is_dead(now_ms)) {
    (void)take(at);
    entry = nullptr;
  }
  if (entry == nullptr || (!stale_ok && !entry->is_fresh(now_ms))) {
    stats_.misses += stale_ok ? 0U : 1U;  // whoever takes a stale answer has asked before
    return {};
  }
  Entry::Place& place = entry->place;
  place.frequency = std::min<std::uint8_t>(place.frequency + 1U, kFrequencyMax);
  Cache::Hit hit;
  hit.stale = !entry->is_fresh(now_ms);
  hit.prefetch = !hit.stale && entry->hit(now_ms) && options_.prefetch;
  hit.age_s = entry->age_s(now_ms);
  hit.size = entry->write(query, now_ms, options_.stale_ttl_s, buffer, size_max);
  ++(hit.stale ? stats_.stale : stats_.hits);
  return hit;
}

void Shard::insert(Entry::Owner entry, std::int64_t now_ms,
                   const std::function<bool()>& is_current) {
  const std::lock_guard lock(mutex_);
  if (entry->block_bytes() > limit_bytes_ / kLargestPart || !is_current()) {
    return;
  }
  const std::size_t at = find(entry->place.hash);
  if (const Entry* old = slots_[at].entry; old != nullptr) {
    // Stale data are worth more than to know that nobody could renew them.
    if (entry->is_failure() && !old->is_failure() && !old->is_dead(now_ms)) {
      return;
    }
    entry->place.in_main = old->place.in_main;
    entry->place.frequency = old->place.frequency;
    (void)take(at);
  } else {
    entry->place.in_main = ghost_.knows(entry->place.hash);
  }
  put(std::move(entry));
  while (bytes() > limit_bytes_ && stats_.entries > 0) {
    evict_one();
  }
}

std::size_t Shard::flush(std::string_view lower_name, bool subtree) {
  const std::lock_guard lock(mutex_);
  std::vector<Entry*> found;
  for (const Slot& slot : slots_) {
    if (slot.entry != nullptr &&
        (subtree ? slot.entry->is_within(lower_name) : slot.entry->is_at(lower_name))) {
      found.push_back(slot.entry);
    }
  }
  for (Entry* entry : found) {
    remove(entry);
  }
  return found.size();
}

void Shard::set_options(const CacheOptions& options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
}

void Shard::add_to(CacheStats& stats) const {
  const std::lock_guard lock(mutex_);
  stats.hits += stats_.hits;
  stats.misses += stats_.misses;
  stats.stale += stats_.stale;
  stats.entries += stats_.entries;
  stats.bytes += bytes();
  stats.evictions += stats_.evictions;
}

void Shard::each_fresh(std::int64_t now_ms, std::uint64_t bytes_max, std::span<char> room,
                       const std::function<void(const Cache::Kept&)>& visit) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t shown = 0;
  for (const Queue* queue : {&main_, &small_}) {
    for (const Entry* entry = queue->newest; entry != nullptr; entry = entry->place.older) {
      if (!entry->is_fresh(now_ms) || entry->is_failure()) {
        continue;
      }
      const Cache::Kept kept = entry->kept(room);
      shown += kept.response.size();
      if (shown > bytes_max) {
        return;
      }
      visit(kept);
    }
  }
}

std::size_t Shard::find(std::uint64_t hash) const {
  std::size_t at = hash & mask();
  while (slots_[at].entry != nullptr && slots_[at].hash != hash) {
    at = (at + 1) & mask();
  }
  return at;
}

std::size_t Shard::bytes() const {
  return small_.bytes + main_.bytes + slots_.size() * sizeof(Slot) + ghost_.bytes();
}

void Shard::publish_table() {
  table_.store(reinterpret_cast<std::uintptr_t>(slots_.data()), std::memory_order_relaxed);
  table_mask_.store(mask(), std::memory_order_relaxed);
}

void Shard::prefetch(std::uint64_t hash, Ahead step) const {
  const std::size_t slot = hash & table_mask_.load(std::memory_order_relaxed);
  const std::uintptr_t place = table_.load(std::memory_order_relaxed) + slot * sizeof(Slot);
  switch (step) {
    case Ahead::kTable:
      __builtin_prefetch(&mutex_);
      return;
    case Ahead::kSlot:
      // Should the table change meanwhile, this is a place where nothing is: no harm is done.
      // NOLINTNEXTLINE(performance-no-int-to-ptr)
      __builtin_prefetch(reinterpret_cast<const void*>(place));
      return;
    case Ahead::kEntry:
      // Whoever holds the lock brings it along.
      if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) {
        if (const Entry* entry = slots_[find(hash)].entry) {
          entry->prefetch();
        }
      }
      return;
  }
}

void Shard::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  publish_table();
  for (const Slot& slot : old) {
    if (slot.entry != nullptr) {
      slots_[find(slot.hash)] = slot;
    }
  }
}

void Shard::put(Entry::Owner entry) {
  if ((stats_.entries + 1) * 4 > slots_.size() * 3) {
    grow();
  }
  push(entry.get(), entry->place.in_main);
  slots_[find(entry->place.hash)] = {entry->place.hash, entry.get()};
  ++stats_.entries;
  (void)entry.release();  // the table's
}

Entry::Owner Shard::take(std::size_t slot) {
  Entry::Owner entry(slots_[slot].entry);
  MC_ASSERT(entry != nullptr, "only what is there is taken out");
  unlink(entry.get());
  --stats_.entries;
  // What lies behind it may have been pushed on by it: no gap may stand before its own place.
  std::size_t gap = slot;
  for (std::size_t at = (gap + 1) & mask(); slots_[at].entry != nullptr; at = (at + 1) & mask()) {
    const std::size_t home = slots_[at].hash & mask();
    if (((at - home) & mask()) >= ((at - gap) & mask())) {
      slots_[gap] = slots_[at];
      gap = at;
    }
  }
  slots_[gap] = {};
  return entry;
}

void Shard::push(Entry* entry, bool in_main) {
  Queue& queue = in_main ? main_ : small_;
  entry->place.in_main = in_main;
  entry->place.newer = nullptr;
  entry->place.older = queue.newest;
  (queue.newest == nullptr ? queue.oldest : queue.newest->place.newer) = entry;
  queue.newest = entry;
  queue.bytes += entry->block_bytes();
}

void Shard::unlink(Entry* entry) {
  Queue& queue = entry->place.in_main ? main_ : small_;
  Entry* newer = entry->place.newer;
  Entry* older = entry->place.older;
  (newer == nullptr ? queue.newest : newer->place.older) = older;
  (older == nullptr ? queue.oldest : older->place.newer) = newer;
  queue.bytes -= entry->block_bytes();
}

// Ends: each round either evicts, or takes one from a frequency, or moves one to the main queue.
void Shard::evict_one() {
  while (true) {
    const bool from_small = small_.oldest != nullptr &&
                            (main_.oldest == nullptr || small_.bytes > limit_bytes_ / kSmallPart);
    Entry* entry = from_small ? small_.oldest : main_.oldest;
    if (entry->place.frequency == 0) {
      if (from_small) {
        ghost_.remember(entry->place.hash);
      }
      remove(entry);
      ++stats_.evictions;
      return;
    }
    unlink(entry);
    entry->place.frequency =
        from_small ? std::uint8_t{0} : std::uint8_t(entry->place.frequency - 1U);
    push(entry, true);
  }
}

}  // namespace mcns
