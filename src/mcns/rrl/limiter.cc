#include "mcns/rrl/limiter.h"

#include <algorithm>

namespace mcns::rrl {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
// Digits of the golden ratio, pi and e: factors that are not zero whatever the key.
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t kPi = 0x3243f6a8885a308dULL;
constexpr std::uint64_t kEuler = 0xb7e151628aed2a6bULL;

std::int64_t interval(std::uint32_t rate) { return rate == 0 ? 0 : kSecondNs / rate; }

// Both halves of the product, so that every bit depends on all others.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace

Limiter::Limiter(const Options& options)
    : options_(options),
      interval_ns_(interval(options.rate)),
      error_interval_ns_(interval(options.errors)),
      lines_(options.rate == 0 ? nullptr : std::make_unique<Line[]>(kLines)) {}

Action Limiter::count(const dsl::env::AddressBits& client, Kind kind, std::uint64_t name_hash,
                      std::int64_t now_ms) {
  const std::int64_t interval_ns = kind == Kind::kError ? error_interval_ns_ : interval_ns_;
  if (interval_ns == 0) {
    return Action::kSend;
  }
  Bucket& bucket = bucket_of(hash(client, kind, kind == Kind::kError ? 0 : name_hash));
  const std::int64_t now_ns = now_ms * 1'000'000;
  const std::int64_t allowed_ns = now_ns + kSecondNs;
  const std::int64_t owed_most_ns = allowed_ns + std::chrono::nanoseconds(options_.window).count();
  bucket.due_ns = std::max(bucket.due_ns, now_ns) + interval_ns;
  if (bucket.due_ns <= allowed_ns) {
    return Action::kSend;
  }
  bucket.due_ns = std::min(bucket.due_ns, owed_most_ns);
  if (options_.slip == 0 || ++bucket.limited < options_.slip) {
    return Action::kDrop;
  }
  bucket.limited = 0;
  return Action::kSlip;
}

std::uint64_t Limiter::hash(const dsl::env::AddressBits& client, Kind kind,
                            std::uint64_t name_hash) const {
  const dsl::env::AddressBits prefix =
      client.prefix(client.is_v4() ? options_.v4_prefix : options_.v6_prefix);
  const std::uint64_t who =
      mix(prefix.high ^ options_.key[0] ^ kGolden, prefix.low ^ options_.key[1] ^ kPi);
  return mix(who ^ name_hash ^ options_.key[2], kEuler + 2 * static_cast<std::uint64_t>(kind));
}

// The bucket with that hash, or a new one in place of the one that owes least.
Limiter::Bucket& Limiter::bucket_of(std::uint64_t hash) {
  Line& line = lines_[hash % kLines];
  const auto tag = static_cast<std::uint32_t>(hash >> 32U);
  Bucket* least = line.buckets.data();
  for (Bucket& bucket : line.buckets) {
    if (bucket.tag == tag) {
      return bucket;
    }
    if (bucket.due_ns < least->due_ns) {
      least = &bucket;
    }
  }
  *least = {.due_ns = 0, .tag = tag, .limited = 0};
  return *least;
}

}  // namespace mcns::rrl
