// Ids and choices that nobody outside can guess, at the cost of one call for many.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dsl/env/random.h"

namespace mcns {

// Confined to its loop.
class RandomPool {
 public:
  explicit RandomPool(dsl::env::Random& random) : random_(random) {}

  // In [0, bound); bound > 0 and small, so that the remainder favours no number noticeably.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  std::uint16_t id() { return static_cast<std::uint16_t>(next()); }
  std::uint64_t next() {
    if (used_ == numbers_.size()) {
      random_.fill(std::as_writable_bytes(std::span(numbers_)));
      used_ = 0;
    }
    return numbers_[used_++];
  }

 private:
  dsl::env::Random& random_;
  std::array<std::uint64_t, 64> numbers_{};
  std::size_t used_ = numbers_.size();
};

}  // namespace mcns
