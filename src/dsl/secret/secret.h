// Secret bytes: locked in memory, left out of core dumps, zeroed when freed, compared in constant
// time, and impossible to print, log, copy or turn into JSON.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl {

// Movable, not copyable. Not safe for concurrent use while being moved.
class Secret {
 public:
  Secret() = default;
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // Takes a copy of `bytes`; the caller still owns, and should wipe, the original. A failing mlock
  // (RLIMIT_MEMLOCK) is tolerated: the bytes then are only excluded from dumps.
  static Secret from(std::span<const std::byte> bytes);
  static Secret from(std::string_view text);
  static Secret zeroed(std::size_t size_bytes);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // The one way in; the span must not outlive the secret.
  std::span<const std::byte> expose() const { return {data_, size_}; }
  std::span<std::byte> expose_mutable() { return {data_, size_}; }

  // Constant time in the length of the longer one.
  bool equals(const Secret& other) const;
  bool equals(std::string_view other) const;

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Zeroes memory in a way that the optimizer keeps.
void wipe(std::span<std::byte> bytes);

// prctl(PR_SET_DUMPABLE, 0) and no core file: for services that hold keys. To be called first.
Result<void> forbid_core_dumps();

}  // namespace dsl
