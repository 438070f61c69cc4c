// What one worker needs to check cookies: its copy of the secrets, and the time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mcns/cookie/cookie.h"
#include "mcns/cookie/shared_secrets.h"

namespace mcns::cookie {

// Confined to its thread. `shared` outlives it; null = there are no cookies.
class Jar {
 public:
  explicit Jar(const SharedSecrets* shared) : shared_(shared) {}

  // `option` as a client sent it. `now_ms` of the monotonic clock: the wall clock is looked at once
  // for each. Nothing when it is malformed, or there are no cookies.
  std::optional<Checked> check(std::string_view option, const dsl::env::AddressBits& client,
                               std::int64_t now_ms);

 private:
  const SharedSecrets* shared_;
  Secrets secrets_;
  std::uint64_t version_ = 0;
  std::int64_t looked_ms_ = -1;
  std::uint32_t now_s_ = 0;
};

}  // namespace mcns::cookie
