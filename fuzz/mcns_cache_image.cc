// Any bytes as the cache of another process: taken whole or refused whole, and served as messages.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <zlib.h>

#include "mcns/cache/image.h"

namespace {

using namespace mcns;

constexpr std::int64_t kNow = 1'000'000;  // ms

std::string number(std::uint64_t value, unsigned octets) {
  std::string out;
  while (octets-- > 0) {
    out += static_cast<char>((value >> (8 * octets)) & 0xffU);
  }
  return out;
}

// With a head that is right for what follows, or a checksum would keep the fuzzer out.
std::string with_head(std::string_view entries, std::uint8_t count) {
  const auto* octets = reinterpret_cast<const unsigned char*>(entries.data());
  return "MCNSCACH" + number(1, 4) + number(count, 4) + number(entries.size(), 8) +
         number(::crc32_z(0, octets, entries.size()), 4) + std::string(entries);
}

void take(std::string_view image) {
  const auto cache = Cache::make({.size_bytes = 1u << 20}, 1);
  const auto taken = read_cache_image(image, kNow, *cache);
  MC_ASSERT(taken || cache->stats().entries == 0, "what is refused leaves nothing");
  const std::string again = write_cache_image(*cache, kNow);
  const auto heir = Cache::make({.size_bytes = 1u << 20}, 2);
  MC_ASSERT(read_cache_image(again, kNow, *heir), "what is written can be read");
  MC_ASSERT(write_cache_image(*heir, kNow).size() == again.size(), "and loses nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  take(bytes);
  if (!bytes.empty()) {
    take(with_head(bytes.substr(1), data[0]));
  }
  return 0;
}
