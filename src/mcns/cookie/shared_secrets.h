// The secrets of the day, from the thread that keeps them to those that answer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dsl/secret/secret.h"
#include "mcns/cookie/cookie.h"

namespace mcns::cookie {

constexpr std::size_t kSecretSize = 16;

// One thread publishes at a time, any reads, and none waits for another: a reader looks at a number
// before and after it copies four words, and copies them again when it has changed.
class SharedSecrets {
 public:
  // Secrets of sixteen octets.
  void publish(const dsl::Secret& current, const dsl::Secret& previous);

  // Copies them into `secrets` when others were published than those of `version`, which then is
  // theirs. False as long as nothing was published.
  bool refresh(std::uint64_t& version, Secrets& secrets) const;

 private:
  std::atomic<std::uint64_t> version_{0};  // odd while the words change
  std::array<std::atomic<std::uint64_t>, 4> words_{};
};

}  // namespace mcns::cookie
