// Answers of upstreams, kept as whole messages and served from there with their TTLs aged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "mcns/wire/ahead.h"
#include "mcns/wire/query.h"

namespace mcns {

struct CacheOptions {
  std::uint64_t size_bytes = 64u << 20;  // of all entries with their keys; a bound, kept always
  std::uint32_t max_ttl_s = 300;
  std::uint32_t negative_ttl_s = 300;  // most for NXDOMAIN and NODATA (RFC 2308)
  std::uint32_t min_ttl_s = 0;
  std::uint32_t failure_ttl_s = 0;  // RFC 9520; 0 = SERVFAIL and REFUSED are never kept
  std::uint32_t stale_s = 86400;    // how long an entry stays after its TTL (RFC 8767)
  std::uint32_t stale_ttl_s = 30;   // what a stale answer says
  bool prefetch = true;
};

struct CacheStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t stale = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t evictions = 0;
};

// Thread-safe: shards, each with a lock of its own that is held for a copy only. Evicts in a way
// that one pass over many names does not empty it. `now_ms` is always of the monotonic clock.
class Cache {
 public:
  // `seed` of the hash, so that nobody outside can aim at one shard.
  static std::unique_ptr<Cache> make(const CacheOptions& options, std::uint64_t seed);
  virtual ~Cache() = default;

  // What the client asked, apart from the name's case: the key is (name, type, class, DO, CD).
  struct Hit {
    std::size_t size = 0;  // octets in `buffer`; 0 = nothing is known
    bool stale = false;
    bool prefetch = false;  // asked at least twice and near its end: to be asked anew by the
                            // caller, who alone gets this answer
    std::uint32_t age_s = 0;
  };
  // Writes the response: header for `query` (id, RD, RA), its question byte for byte, the sections
  // with aged TTLs, without OPT. Over `size_max`, which is enough for the question, what is
  // optional is left out, then all is (TC). `stale_ok`: entries past their TTL too; nothing is then
  // no miss.
  virtual Hit lookup(const Query& query, std::int64_t now_ms, bool stale_ok, char* buffer,
                     std::size_t size_max) = 0;
  // Asks for what `lookup` will look at: the shard, the slot in its table, the entry.
  virtual void prefetch(const Query& query, Ahead step) = 0;
  // `response`: a whole message without OPT, checked to belong to the question and cleaned of what
  // is out of bailiwick. Not kept when its rcode or TTL says so, or when truncated.
  void insert(const Query& query, std::string_view response, std::int64_t now_ms) {
    insert(query, response, now_ms, generation());
  }
  // The same for an answer that was asked for at `generation`: not kept when something was removed
  // since, as it may be what was to go.
  virtual void insert(const Query& query, std::string_view response, std::int64_t now_ms,
                      std::uint64_t generation) = 0;
  // Brings the TTLs of such a response to what a hit would say of it, so that a client cannot tell
  // whether it was the first to ask.
  virtual void bound_ttls(const Query& query, std::span<char> response) const = 0;

  // From now on these, but for the size, which stays: for what is inserted and looked up next. What
  // is kept already stays as long as it was to.
  virtual void set_options(const CacheOptions& options) = 0;

  // Another one after each `flush` and `forget_pending`.
  virtual std::uint64_t generation() const = 0;
  // What was asked for by now is not to be kept: it comes from others than will be asked next.
  virtual void forget_pending() = 0;
  // Removes what is at `wire_name`, or at and below it. How many entries.
  virtual std::size_t flush(std::string_view wire_name, bool subtree) = 0;
  virtual CacheStats stats() const = 0;

  // An entry as it was kept, to be inserted elsewhere at `stored_ms`.
  struct Kept {
    std::int64_t stored_ms = 0;
    bool dnssec_ok = false;
    bool checking_disabled = false;
    std::string_view response;  // whole, with the TTLs of that time; valid during the call
  };
  // Calls `visit` for entries within their TTL, in each shard those that are asked for first, until
  // about `bytes_max` octets have been shown; never for failures. `visit` must not come back here.
  virtual void each_fresh(std::int64_t now_ms, std::uint64_t bytes_max,
                          const std::function<void(const Kept&)>& visit) const = 0;
};

}  // namespace mcns
