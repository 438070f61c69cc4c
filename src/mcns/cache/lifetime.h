// Whether a response is kept, and for how long.
#pragma once

#include <cstdint>

#include "mcns/cache/cache.h"
#include "mcns/cache/scan.h"

namespace mcns {

struct Lifetime {
  std::uint32_t ttl_s = 0;      // 0 = not kept
  std::uint32_t ttl_min_s = 0;  // a record's TTL is brought into this range
  std::uint32_t ttl_max_s = UINT32_MAX;
  std::uint32_t stale_s = 0;  // how long after that it may still be sent
  bool failure = false;       // RFC 9520
};

Lifetime lifetime_of(const Scan& scan, const CacheOptions& options);

// What a record says that came with `ttl_s`.
std::uint32_t record_ttl(std::uint32_t ttl_s, const Lifetime& lifetime);

}  // namespace mcns
