// How many control frames a peer may send for free.
#pragma once

#include <algorithm>

#include "dsl/env/clock.h"

namespace dsl::http {

// A token bucket against peers that make work at no cost of theirs: streams opened and reset
// (CVE-2023-44487), floods of PING, SETTINGS, PRIORITY and empty DATA. The figures are those that
// later releases of nghttp2 apply to resets. Confined to its session.
class ControlBudget {
 public:
  explicit ControlBudget(env::MonoTime now) : since_(now) {}

  // False when the peer has used it up.
  bool spend(env::MonoTime now) {
    const auto seconds = std::chrono::duration<double>(now - since_).count();
    left_ = std::min(kBurst, left_ + seconds * kPerSecond) - 1;
    since_ = now;
    return left_ >= 0;
  }

 private:
  static constexpr double kBurst = 1000;
  static constexpr double kPerSecond = 33;

  double left_ = kBurst;
  env::MonoTime since_;
};

}  // namespace dsl::http
