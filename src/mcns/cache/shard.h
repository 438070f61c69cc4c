// A part of the cache with its own lock: a table, and the queues that decide what is evicted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "mcns/cache/cache.h"
#include "mcns/cache/entry.h"
#include "mcns/cache/ghost.h"

namespace mcns {

// Evicts by S3-FIFO (Yang et al., SOSP 2023): what is new waits in a small queue and leaves by it
// when nobody asks again, so that a pass over many names stays out of the main queue. A hit moves
// nothing.
//
// Thread-safe.
class alignas(64) Shard {
 public:
  Shard(const CacheOptions& options, std::size_t limit_bytes);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // As of Cache; `hash` is that of the whole key.
  Cache::Hit lookup(std::uint64_t hash, const Query& query, std::int64_t now_ms, bool stale_ok,
                    char* buffer, std::size_t size_max);
  // `is_current` is asked while nobody can remove anything here.
  void insert(Entry::Owner entry, std::int64_t now_ms, const std::function<bool()>& is_current);
  void prefetch(std::uint64_t hash, Ahead step) const;
  std::size_t flush(std::string_view lower_name, bool subtree);
  void set_options(const CacheOptions& options);
  void add_to(CacheStats& stats) const;
  // As of Cache; `room` for a message, lent by the caller.
  void each_fresh(std::int64_t now_ms, std::uint64_t bytes_max, std::span<char> room,
                  const std::function<void(const Cache::Kept&)>& visit) const;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Entry* entry = nullptr;
  };
  struct Queue {
    Entry* newest = nullptr;
    Entry* oldest = nullptr;
    std::size_t bytes = 0;
  };

  // Where the entry with that hash is, or would be: no two entries have the same.
  std::size_t find(std::uint64_t hash) const;
  std::size_t bytes() const;
  std::size_t mask() const { return slots_.size() - 1; }
  void grow();
  void publish_table();
  void put(Entry::Owner entry);
  Entry::Owner take(std::size_t slot);  // out of table and queue
  void remove(Entry* entry) { (void)take(find(entry->place.hash)); }
  void push(Entry* entry, bool in_main);
  void unlink(Entry* entry);
  void evict_one();

  const std::size_t limit_bytes_;
  // Where the table is and its mask, for `prefetch`, which takes no lock and reads nothing there.
  std::atomic<std::uintptr_t> table_{0};
  std::atomic<std::size_t> table_mask_{0};
  alignas(64) mutable std::mutex mutex_;  // guards all below
  CacheOptions options_;
  std::vector<Slot> slots_;  // open addressing, a power of two
  Queue small_;
  Queue main_;
  Ghost ghost_;
  CacheStats stats_;
};

}  // namespace mcns
