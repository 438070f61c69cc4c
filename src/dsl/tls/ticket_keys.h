// The keys that seal session tickets, replaced as time goes on.
#pragma once

#include <array>
#include <chrono>
#include <mutex>
#include <optional>

#include "dsl/env/env.h"

namespace dsl::tls {

// A key seals for one period and opens for one more, so that a stolen key opens little of the past.
//
// Thread-safe. `env` outlives it.
class TicketKeys {
 public:
  // RFC 8446 section 4.6.1 allows seven days; a client that comes back later than this shakes hands
  // in full, which costs a millisecond.
  static constexpr std::chrono::hours kPeriod{1};

  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
    ~Key();
  };

  explicit TicketKeys(env::Env& env);

  Key sealer();
  // Nothing when the ticket is of a key that is gone, or was never ours.
  std::optional<Key> opener(const unsigned char* name);

 private:
  void turn();  // with `mutex_` held: forgets and makes keys as the time wants it
  Key make();

  env::Env& env_;
  std::mutex mutex_;
  Key current_;                  // guarded by mutex_, as all below
  std::optional<Key> previous_;  // opens only
  env::MonoTime made_;           // when current_ was
};

}  // namespace dsl::tls
