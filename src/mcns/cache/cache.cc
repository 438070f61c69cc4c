#include "mcns/cache/cache.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <deque>
#include <mutex>
#include <vector>

#include "mcns/cache/entry.h"
#include "mcns/cache/lifetime.h"
#include "mcns/cache/scan.h"
#include "mcns/cache/shard.h"
#include "mcns/wire/octets.h"

namespace mcns {
namespace {

constexpr std::uint64_t kShardBytes = 1u << 20;  // a large message is a small part of a shard
constexpr std::uint64_t kShardsMax = 1024;

std::uint64_t mix(std::uint64_t hash) {
  // The finalizer of SplitMix64: every bit of the result depends on all of `hash`.
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31U);
}

class ShardedCache final : public Cache {
 public:
  ShardedCache(const CacheOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {
    const std::uint64_t wanted =
        std::clamp<std::uint64_t>(options.size_bytes / kShardBytes, 1, kShardsMax);
    const std::uint64_t count = std::bit_floor(wanted);
    for (std::uint64_t i = 0; i < count; ++i) {
      shards_.emplace_back(options, options.size_bytes / count);
    }
  }

  Hit lookup(const Query& query, std::int64_t now_ms, bool stale_ok, char* buffer,
             std::size_t size_max) override {
    const std::uint64_t name = name_hash(query.name.suffix_hash[query.name.labels]);
    return shard_of(name).lookup(key_hash(name, query), query, now_ms, stale_ok, buffer, size_max);
  }

  void prefetch(const Query& query, Ahead step) override {
    const std::uint64_t name = name_hash(query.name.suffix_hash[query.name.labels]);
    shard_of(name).prefetch(key_hash(name, query), step);
  }

  void insert(const Query& query, std::string_view response, std::int64_t now_ms,
              std::uint64_t generation) override {
    if (!repeats_question(query, response)) {
      return;
    }
    const auto scan = scan_response(response, query.name.wire.size() + 4, query.type);
    const Lifetime lifetime = scan ? lifetime_of(*scan, options()) : Lifetime();
    if (lifetime.ttl_s == 0) {
      return;
    }
    const std::uint64_t name = name_hash(query.name.suffix_hash[query.name.labels]);
    shard_of(name).insert(
        Entry::make(query, response, *scan, lifetime, key_hash(name, query), now_ms), now_ms,
        [&] { return generation_ == generation; });
  }

  void bound_ttls(const Query& query, std::span<char> response) const override {
    const std::string_view octets(response.data(), response.size());
    const std::size_t question_size = query.name.wire.size() + 4;
    const auto scan = scan_response(octets, question_size, query.type);
    if (!scan) {
      return;
    }
    const Lifetime lifetime = lifetime_of(*scan, options());
    for (const std::size_t at : scan->ttls) {
      const std::size_t place = kHeaderSize + question_size + at;
      write32(response.data() + place, record_ttl(read_ttl(octets, place), lifetime));
    }
  }

  void set_options(const CacheOptions& options) override {
    {
      const std::lock_guard lock(options_mutex_);
      options_ = options;
    }
    for (Shard& shard : shards_) {
      shard.set_options(options);
    }
  }

  std::uint64_t generation() const override { return generation_; }
  void forget_pending() override { ++generation_; }

  std::size_t flush(std::string_view wire_name, bool subtree) override {
    // First: whoever has inserted before has done so while nothing was removed yet.
    forget_pending();
    std::string lower(wire_name);
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
    if (!subtree) {
      return shard_of(name_hash(suffix_hash(lower))).flush(lower, false);
    }
    std::size_t count = 0;
    for (Shard& shard : shards_) {
      count += shard.flush(lower, true);
    }
    return count;
  }

  CacheStats stats() const override {
    CacheStats stats;
    for (const Shard& shard : shards_) {
      shard.add_to(stats);
    }
    return stats;
  }

  void each_fresh(std::int64_t now_ms, std::uint64_t bytes_max,
                  const std::function<void(const Kept&)>& visit) const override {
    std::vector<char> room(UINT16_MAX);
    for (const Shard& shard : shards_) {
      shard.each_fresh(now_ms, bytes_max / shards_.size(), room, visit);
    }
  }

 private:
  static bool repeats_question(const Query& query, std::string_view response) {
    const std::string_view name = query.name.wire;
    return response.size() >= kHeaderSize + name.size() + 4 && response[4] == 0 &&
           response[5] == 1 && equal_ignoring_case(response.substr(kHeaderSize, name.size()), name);
  }

  std::uint64_t name_hash(std::uint64_t suffix_hash) const { return mix(suffix_hash ^ seed_); }
  static std::uint64_t key_hash(std::uint64_t name, const Query& query) {
    const std::uint64_t rest = (std::uint64_t{static_cast<std::uint16_t>(query.type)} << 32U) |
                               (std::uint64_t{static_cast<std::uint16_t>(query.dns_class)} << 8U) |
                               (query.edns.dnssec_ok ? 2U : 0U) |
                               (query.checking_disabled() ? 1U : 0U);
    return mix(name ^ rest);
  }
  // By the name alone, so that what is at a name lies together.
  Shard& shard_of(std::uint64_t name) { return shards_[name & (shards_.size() - 1)]; }

  CacheOptions options() const {
    const std::lock_guard lock(options_mutex_);
    return options_;
  }

  mutable std::mutex options_mutex_;  // of those who insert
  CacheOptions options_;              // guarded by options_mutex_
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> generation_{0};
  std::deque<Shard> shards_;  // a power of two
};

}  // namespace

std::unique_ptr<Cache> Cache::make(const CacheOptions& options, std::uint64_t seed) {
  return std::make_unique<ShardedCache>(options, seed);
}

}  // namespace mcns
