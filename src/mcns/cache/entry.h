// One answer in the cache: its key and all that stands behind the question, in one block of memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "mcns/cache/cache.h"
#include "mcns/cache/lifetime.h"
#include "mcns/cache/scan.h"
#include "mcns/wire/query.h"

namespace mcns {

// Guarded by the lock of its shard once it is there.
class Entry {
 public:
  struct Free {
    void operator()(Entry* entry) const;
  };
  using Owner = std::unique_ptr<Entry, Free>;

  // What the table and the queues of a shard need; theirs.
  struct Place {
    std::uint64_t hash = 0;
    Entry* newer = nullptr;
    Entry* older = nullptr;
    bool in_main = false;
    std::uint8_t frequency = 0;
  };

  // `response` has been scanned, and `lifetime` says that it is kept.
  static Owner make(const Query& query, std::string_view response, const Scan& scan,
                    const Lifetime& lifetime, std::uint64_t hash, std::int64_t now_ms);

  // Begins to bring into the processor's cache what a hit reads: a few lines, one behind the other.
  void prefetch() const {
    for (std::size_t line = 0; line < 4; ++line) {
      __builtin_prefetch(reinterpret_cast<const char*>(this) + 64 * line);
    }
  }
  bool matches(const Query& query) const;
  bool is_at(std::string_view lower_name) const { return name() == lower_name; }
  bool is_within(std::string_view lower_name) const;

  bool is_fresh(std::int64_t now_ms) const { return now_ms < expires_ms_; }
  bool is_dead(std::int64_t now_ms) const { return now_ms >= dead_ms_; }
  bool is_failure() const { return failure_; }
  std::uint32_t age_s(std::int64_t now_ms) const;
  // Counts a hit; true for one caller only: it is asked for and near its end, so a new answer
  // should be fetched.
  bool hit(std::int64_t now_ms);

  // Header, `query`'s question, and what fits into `size_max`. TTLs are aged, or all `stale_ttl_s`
  // once past the end. How many octets.
  std::size_t write(const Query& query, std::int64_t now_ms, std::uint32_t stale_ttl_s,
                    char* buffer, std::size_t size_max) const;

  // With the message as it was kept, written to `room`, which holds 65535 octets.
  Cache::Kept kept(std::span<char> room) const;

  // Of the block, with what the allocator adds.
  std::size_t block_bytes() const;

  Place place;

 private:
  Entry() = default;
  Entry(const Entry&) = default;  // without what stands behind it
  std::size_t own_bytes() const { return sizeof(Entry) + 2U * ttl_count_ + name_size_ + size_; }
  // Behind the object: places of the TTLs, name, records.
  const std::uint16_t* ttls() const { return reinterpret_cast<const std::uint16_t*>(this + 1); }
  const char* name_begin() const { return reinterpret_cast<const char*>(ttls() + ttl_count_); }
  std::string_view name() const { return {name_begin(), name_size_}; }
  const char* records() const { return name_begin() + name_size_; }

  std::int64_t stored_ms_ = 0;
  std::int64_t expires_ms_ = 0;
  std::int64_t dead_ms_ = 0;
  std::array<std::uint16_t, 3> counts_{};  // of records
  std::array<std::uint16_t, 3> ends_{};    // of the sections
  std::uint16_t size_ = 0;                 // of the records
  std::uint16_t ttl_count_ = 0;
  Type type_ = Type::kA;
  Class dns_class_ = Class::kIn;
  std::uint8_t name_size_ = 0;
  std::uint8_t rcode_ = 0;
  std::uint8_t authentic_data_ = 0;  // the AD bit in its place
  std::uint8_t hits_ = 0;
  bool dnssec_ok_ = false;
  bool checking_disabled_ = false;
  bool failure_ = false;
  bool positive_ = false;
  bool renewed_ = false;  // somebody fetches a new answer
};

}  // namespace mcns
