// The fresh entries of a cache as bytes, for another process of the same machine.
//
// Form (integers with the high octet first):
//
//   "MCNSCACH"                    8 octets
//   version                       4: 1
//   number of entries             4
//   octets of all entries         8
//   CRC-32 of all entries         4
//   each entry: milliseconds of the monotonic clock at which it was kept (8), flags (1: bit 0 DO,
//   bit 1 CD), octets of the message (2), the message with the TTLs of that time
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "mcns/cache/cache.h"

namespace mcns {

constexpr std::uint64_t kCacheImageMax = 32u << 20;  // octets of messages

std::string write_cache_image(const Cache& cache, std::int64_t now_ms);

// Keeps what is in `image`, each entry for the rest of its time by the rules of `cache`, and says
// how many they were. kDataLoss when anything is wrong with it: nothing was kept then. An entry
// that has ended meanwhile, or that the rules refuse, is left out.
dsl::Result<std::size_t> read_cache_image(std::string_view image, std::int64_t now_ms,
                                          Cache& cache);

}  // namespace mcns
