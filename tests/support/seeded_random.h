// Random bytes that a seed gives again.
#pragma once

#include <mutex>

#include "dsl/env/random.h"

namespace dsl::test {

// Not for keys: the sequence is SplitMix64.
//
// Thread-safe; the order of calls among threads decides who gets which bytes.
class SeededRandom final : public env::Random {
 public:
  // The seed of $MC_TEST_SEED, else one of the system. Prints it, so that a failure can be
  // replayed.
  SeededRandom();
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t next();

  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace dsl::test
