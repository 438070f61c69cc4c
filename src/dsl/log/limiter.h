// Silences call sites that repeat themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/log/log.h"

namespace dsl::log {

struct LimiterOptions {
  std::uint32_t lines_max = 20;
  std::chrono::milliseconds window{10'000};
  // Sites remembered at once; beyond it a new site is not limited. It takes a flood of differing
  // messages to get there, and those are not repetitions.
  std::size_t sites_max = 4096;
  // How often a full memory is searched for sites to forget; each search looks at all of them.
  std::chrono::milliseconds sweep_interval{1'000};
};

// Guarded by its owner.
class Limiter {
 public:
  struct Suppressed {
    Level level;
    std::string component;
    std::string message;
    std::uint64_t lines;
  };

  explicit Limiter(LimiterOptions options = {}) : options_(options) {}

  // False when this line is to be suppressed; it is counted then.
  bool admit(Level level, std::string_view component, std::string_view message, env::MonoTime now);
  // Forgets the windows that have ended and returns those that suppressed lines.
  std::vector<Suppressed> expire(env::MonoTime now);
  // All of them, ended or not.
  std::vector<Suppressed> drain();
  // When the first window with suppressed lines ends; MonoTime::max() when there is none.
  env::MonoTime next_report() const { return next_report_; }

 private:
  struct Site {
    Level level;
    std::string component;
    std::string message;
    env::MonoTime window_end;
    std::uint64_t lines = 0;
  };

  LimiterOptions options_;
  std::unordered_map<std::size_t, Site> sites_;  // by hash of level, component and message
  env::MonoTime next_report_ = env::MonoTime::max();
  env::MonoTime next_sweep_ = env::MonoTime::min();
};

}  // namespace dsl::log
