// How an upstream is doing: round trips, failures, and when it is asked again.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace mcns {

struct HealthOptions {
  int failures_max = 3;  // in a row; then the breaker opens
  std::chrono::milliseconds backoff_first{500};
  std::chrono::milliseconds backoff_max{30000};
  std::chrono::milliseconds probe_every{30000};  // while all is well
  std::chrono::milliseconds hedge_min{20};
};

// Knows no clock and no socket: its owner says what happened. Confined to its owner's loop.
//
// The third failure in a row makes it suspect, and a probe goes out at once: it may have been the
// questions. When that fails too it is down until anything is answered.
class Health {
 public:
  enum class State { kUnknown, kUp, kSuspect, kDown, kLoop };
  using Duration = std::chrono::nanoseconds;

  explicit Health(const HealthOptions& options) : options_(options) {}

  void answered(Duration round_trip);
  void failed();
  // The probe, which counts as any question besides.
  void probe_failed();
  // What answers is this very server. Only `left_loop` ends that.
  void found_loop() { state_ = State::kLoop; }
  void left_loop();

  State state() const { return state_; }
  bool usable() const { return state_ == State::kUnknown || state_ == State::kUp; }
  // From the end of a probe to the next one; zero when one is due at once. Sooner while in doubt.
  std::chrono::milliseconds probe_pause() const;

  double rtt_ms() const { return rtt_ms_; }  // moving average; 0 before the first answer
  // After how long without an answer another upstream is asked as well: what 95 of 100 answers
  // took.
  std::chrono::milliseconds hedge_after() const;

 private:
  const HealthOptions options_;
  State state_ = State::kUnknown;
  int failures_ = 0;  // in a row
  std::chrono::milliseconds backoff_{0};
  double rtt_ms_ = 0;
  std::array<float, 32> recent_ms_{};  // the last round trips, a ring
  std::size_t recent_ = 0;             // ever
};

const char* text(Health::State state);

}  // namespace mcns
