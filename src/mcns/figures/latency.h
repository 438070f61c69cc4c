// How long something took, counted in fixed buckets without a lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mcns/figures/count.h"

namespace mcns {

// Written by one thread, read by any.
class Latency {
 public:
  // Upper bounds in nanoseconds: from an answer out of memory to one that an upstream owes.
  static constexpr std::array<std::int64_t, 22> kBounds = {
      250,         500,           1'000,         2'500,        5'000,      10'000,
      25'000,      50'000,        100'000,       250'000,      500'000,    1'000'000,
      2'500'000,   5'000'000,     10'000'000,    25'000'000,   50'000'000, 100'000'000,
      250'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000};
  static constexpr std::size_t kBuckets = kBounds.size() + 1;  // the last: longer than all of them

  // `times` times, each of `took_ns`.
  void add(std::int64_t took_ns, std::uint64_t times = 1);

  std::uint64_t count(std::size_t bucket) const { return buckets_[bucket].value(); }
  std::uint64_t sum_ns() const { return sum_ns_.value(); }

 private:
  std::array<Count, kBuckets> buckets_;
  Count sum_ns_;
};

}  // namespace mcns
