#include "mcns/forward/stale.h"

#include <array>

#include "dsl/result/result.h"
#include "mcns/forward/packet.h"
#include "mcns/wire/octets.h"

namespace mcns {
namespace {

constexpr std::size_t kMessageMax = 65535;

std::optional<ForwardAnswer> kept_answer(Cache& cache, const Query& query, std::int64_t now_ms,
                                         bool stale_ok) {
  static thread_local std::array<char, kMessageMax> buffer;
  const Cache::Hit hit = cache.lookup(query, now_ms, stale_ok, buffer.data(), buffer.size());
  if (hit.size == 0) {
    return std::nullopt;
  }
  ForwardAnswer answer{.message = Bytes(buffer.data(), hit.size), .stale = hit.stale};
  answer.rcode = static_cast<Rcode>(read8(answer.message, 3) & 0x0fU);
  answer.detail = dsl::text("from the cache, {} s old", hit.age_s);
  return answer;
}

// Refers into the packet.
Query read(const Packet& packet) {
  Query query;
  const ParseResult parsed = parse_query(*packet, query);
  MC_ASSERT(parsed == ParseResult::kOk, "what we would send is a query");
  return query;
}

}  // namespace

std::optional<ForwardAnswer> stale_answer(Cache& cache, const Query& query, std::int64_t now_ms) {
  auto kept = kept_answer(cache, query, now_ms, true);
  if (!kept || kept->rcode == Rcode::kServFail) {
    return std::nullopt;  // that nobody could tell a moment ago is no answer
  }
  ForwardAnswer& answer = *kept;
  answer.error = answer.rcode == Rcode::kNxDomain ? ExtendedError::kStaleNxdomainAnswer
                                                  : ExtendedError::kStaleAnswer;
  return kept;
}

std::optional<ForwardAnswer> stale_answer(Cache& cache, const ForwardQuestion& question,
                                          std::int64_t now_ms) {
  const Packet packet = make_packet(question);
  return stale_answer(cache, read(packet), now_ms);
}

std::optional<ForwardAnswer> fresh_answer(Cache& cache, const ForwardQuestion& question,
                                          std::int64_t now_ms) {
  const Packet packet = make_packet(question);
  auto answer = kept_answer(cache, read(packet), now_ms, false);
  if (answer) {
    answer->error = ExtendedError::kCachedError;  // should it be a failure
  }
  return answer;
}

}  // namespace mcns
