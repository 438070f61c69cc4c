// How many answers of one kind a prefix may still get.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>

#include "dsl/env/address_bits.h"
#include "mcns/rrl/classify.h"

namespace mcns::rrl {

struct Options {
  std::uint32_t rate = 0;    // answers a second, of one kind for one name; 0 = no limits at all
  std::uint32_t errors = 0;  // errors a second; 0 = as many as are asked for
  // How long after a flood its sender has to be quiet at most before it is answered again.
  std::chrono::milliseconds window{15000};
  std::uint32_t slip = 2;  // every so many limited answers one is cut short; 0 = none is
  unsigned v4_prefix = 24;
  unsigned v6_prefix = 56;
  // Of this process, so that nobody can choose addresses and names that share a bucket.
  std::array<std::uint64_t, 3> key{};
};

enum class Action : std::uint8_t {
  kSend,
  kSlip,  // an answer without records that sends the client to TCP
  kDrop,
};

// Token buckets as of BIND: one second's worth may come at once, and who goes on asking goes on
// owing, up to `window`. 65536 of them in 1 MiB; in a full place the one that owes least is
// forgotten. Confined to its thread; allocates in its constructor, and only when there are limits.
class Limiter {
 public:
  explicit Limiter(const Options& options);

  bool is_on() const { return lines_ != nullptr; }
  // Counts an answer. `name_hash`: of the name that it counts for, keyed (QueryName::suffix_hash).
  // `now_ms` never goes back. Only when it is on.
  Action count(const dsl::env::AddressBits& client, Kind kind, std::uint64_t name_hash,
               std::int64_t now_ms);

 private:
  struct Bucket {
    std::int64_t due_ns = 0;  // when all that it has sent would have been sent at the rate
    std::uint32_t tag = 0;
    std::uint32_t limited = 0;  // answers since one slipped through
  };
  struct alignas(64) Line {
    std::array<Bucket, 4> buckets;
  };
  static constexpr std::size_t kLines = 16384;  // a power of two

  std::uint64_t hash(const dsl::env::AddressBits& client, Kind kind, std::uint64_t name_hash) const;
  Bucket& bucket_of(std::uint64_t hash);

  const Options options_;
  const std::int64_t interval_ns_;        // between two answers at the rate
  const std::int64_t error_interval_ns_;  // 0 = errors have no limit
  const std::unique_ptr<Line[]> lines_;   // null when it is off
};

}  // namespace mcns::rrl
