#include "mcns/cache/image.h"

#include <vector>

#include <zlib.h>

#include "mcns/wire/octets.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::string_view kMagic = "MCNSCACH";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeadSize = 28;
constexpr std::size_t kEntryHeadSize = 11;
constexpr std::uint8_t kDnssecOk = 1;
constexpr std::uint8_t kCheckingDisabled = 2;

void append(std::string& to, std::uint64_t number, unsigned octets) {
  while (octets-- > 0) {
    to += static_cast<char>((number >> (8 * octets)) & 0xffU);
  }
}

std::uint64_t read64(std::string_view octets, std::size_t at) {
  return (std::uint64_t{read32(octets, at)} << 32U) | read32(octets, at + 4);
}

std::uint32_t crc_of(std::string_view octets) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const unsigned char*>(octets.data()), octets.size()));
}

dsl::Failure damaged(std::string_view what) {
  return fail(Code::kDataLoss, "the cache that was handed over is damaged: {}", what);
}

// The entries' octets, once the head says the truth about them.
Result<std::string_view> check_head(std::string_view image) {
  if (image.size() < kHeadSize || !image.starts_with(kMagic)) {
    return damaged("it has no head");
  }
  if (const std::uint32_t version = read32(image, 8); version != kVersion) {
    return fail(Code::kDataLoss, "the cache that was handed over has version {}, not {}", version,
                kVersion);
  }
  const std::string_view entries = image.substr(kHeadSize);
  if (read64(image, 16) != entries.size()) {
    return damaged("its size is not what it says");
  }
  if (read32(image, 24) != crc_of(entries)) {
    return damaged("its checksum is wrong");
  }
  return entries;
}

Result<std::vector<Cache::Kept>> split(std::string_view entries, std::uint32_t count,
                                       std::int64_t now_ms) {
  std::vector<Cache::Kept> out;
  while (!entries.empty()) {
    const std::size_t size = entries.size() < kEntryHeadSize ? 0 : read16(entries, 9);
    if (entries.size() < kEntryHeadSize + size || size < kHeaderSize) {
      return damaged("an entry is cut off");
    }
    const std::uint8_t flags = read8(entries, 8);
    Cache::Kept kept;
    kept.stored_ms = static_cast<std::int64_t>(read64(entries, 0));
    kept.dnssec_ok = (flags & kDnssecOk) != 0;
    kept.checking_disabled = (flags & kCheckingDisabled) != 0;
    kept.response = entries.substr(kEntryHeadSize, size);
    // Another machine's clock, or none: nobody knows how old it is.
    if (kept.stored_ms < 0 || kept.stored_ms > now_ms) {
      return damaged("an entry is from the future");
    }
    out.push_back(kept);
    entries.remove_prefix(kEntryHeadSize + size);
  }
  if (out.size() != count) {
    return damaged("its entries are not as many as it says");
  }
  return out;
}

// The query that the response answers, as the cache's key wants it; false when there is none.
bool read_question(const Cache::Kept& kept, Query& query) {
  const std::size_t size = read_query_name(kept.response.substr(kHeaderSize), query.name);
  if (size == 0 || kept.response.size() < kHeaderSize + size + 4) {
    return false;
  }
  query.type = static_cast<Type>(read16(kept.response, kHeaderSize + size));
  query.dns_class = static_cast<Class>(read16(kept.response, kHeaderSize + size + 2));
  query.question_size = size + 4;
  query.flags2 = kept.checking_disabled ? 0x10 : 0;
  query.edns.present = kept.dnssec_ok;
  query.edns.dnssec_ok = kept.dnssec_ok;
  return true;
}

}  // namespace

std::string write_cache_image(const Cache& cache, std::int64_t now_ms) {
  std::string out(kHeadSize, '\0');
  std::uint32_t count = 0;
  cache.each_fresh(now_ms, kCacheImageMax, [&](const Cache::Kept& kept) {
    append(out, static_cast<std::uint64_t>(kept.stored_ms), 8);
    append(out,
           (kept.dnssec_ok ? kDnssecOk : 0U) | (kept.checking_disabled ? kCheckingDisabled : 0U),
           1);
    append(out, kept.response.size(), 2);
    out += kept.response;
    ++count;
  });
  const std::string_view entries = std::string_view(out).substr(kHeadSize);
  std::string head(kMagic);
  append(head, kVersion, 4);
  append(head, count, 4);
  append(head, entries.size(), 8);
  append(head, crc_of(entries), 4);
  out.replace(0, kHeadSize, head);
  return out;
}

Result<std::size_t> read_cache_image(std::string_view image, std::int64_t now_ms, Cache& cache) {
  MC_ASSIGN(const std::string_view entries, check_head(image));
  MC_ASSIGN(const std::vector<Cache::Kept> all, split(entries, read32(image, 12), now_ms));
  std::vector<Query> queries(1);  // large, so not on the stack
  std::size_t kept_count = 0;
  for (const Cache::Kept& kept : all) {
    Query& query = queries.front();
    query = Query();
    if (read_question(kept, query)) {
      cache.insert(query, kept.response, kept.stored_ms);
      ++kept_count;
    }
  }
  return kept_count;
}

}  // namespace mcns
