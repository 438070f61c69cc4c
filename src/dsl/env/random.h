// Cryptographically secure randomness behind one seam.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace dsl::env {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;

  virtual void fill(std::span<std::byte> out) = 0;

  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // `bytes` random bytes as lower-case hex: an id for requests, operations, temp files.
  std::string hex(std::size_t bytes);
};

}  // namespace dsl::env
