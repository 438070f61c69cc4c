#include "mcns/cache/lifetime.h"

#include <algorithm>

namespace mcns {
namespace {

Lifetime within(std::uint32_t ttl_s, std::uint32_t min_s, std::uint32_t max_s,
                std::uint32_t stale_s) {
  // The operator's upper bound wins over the lower one.
  const std::uint32_t least = std::min(min_s, max_s);
  return {.ttl_s = std::clamp(ttl_s, least, max_s),
          .ttl_min_s = least,
          .ttl_max_s = max_s,
          .stale_s = stale_s};
}

}  // namespace

Lifetime lifetime_of(const Scan& scan, const CacheOptions& options) {
  if (scan.truncated) {
    return {};
  }
  if (scan.rcode == Rcode::kServFail || scan.rcode == Rcode::kRefused) {
    const std::uint32_t ttl_s = options.failure_ttl_s;
    return {.ttl_s = ttl_s, .ttl_max_s = ttl_s, .failure = true};
  }
  if (scan.rcode == Rcode::kNoError && scan.has_answer) {
    return within(scan.smallest_ttl, options.min_ttl_s, options.max_ttl_s, options.stale_s);
  }
  if (scan.rcode != Rcode::kNoError && scan.rcode != Rcode::kNxDomain) {
    return {};
  }
  // RFC 2308 section 5: without an SOA a negative answer is not to be kept.
  if (!scan.negative_ttl) {
    return {};
  }
  Lifetime negative = within(std::min(scan.smallest_ttl, *scan.negative_ttl), options.min_ttl_s,
                             std::min(options.negative_ttl_s, options.max_ttl_s), options.stale_s);
  // Its SOA says how long it is kept, so no record may say more.
  negative.ttl_max_s = negative.ttl_s;
  return negative;
}

std::uint32_t record_ttl(std::uint32_t ttl_s, const Lifetime& lifetime) {
  return std::clamp(ttl_s, lifetime.ttl_min_s, lifetime.ttl_max_s);
}

}  // namespace mcns
