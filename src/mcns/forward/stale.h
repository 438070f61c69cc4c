// Old answers in place of none (RFC 8767).
#pragma once

#include <cstdint>
#include <optional>

#include "mcns/cache/cache.h"
#include "mcns/forward/forwarder.h"
#include "mcns/wire/query.h"

namespace mcns {

// What the cache still has for `query`, expired or not; nothing without, or when it is a failure.
// From any thread.
std::optional<ForwardAnswer> stale_answer(Cache& cache, const Query& query, std::int64_t now_ms);
// The same for a question that is not being asked.
std::optional<ForwardAnswer> stale_answer(Cache& cache, const ForwardQuestion& question,
                                          std::int64_t now_ms);

// What it has for it that is fresh.
std::optional<ForwardAnswer> fresh_answer(Cache& cache, const ForwardQuestion& question,
                                          std::int64_t now_ms);

}  // namespace mcns
