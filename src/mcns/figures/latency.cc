#include "mcns/figures/latency.h"

#include <algorithm>

namespace mcns {

void Latency::add(std::int64_t took_ns, std::uint64_t times) {
  const std::int64_t took = std::max<std::int64_t>(took_ns, 0);
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), took);
  buckets_[static_cast<std::size_t>(bound - kBounds.begin())].add(times);
  sum_ns_.add(static_cast<std::uint64_t>(took) * times);
}

}  // namespace mcns
