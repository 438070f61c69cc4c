// A clock that moves when told.
#pragma once

#include <condition_variable>
#include <mutex>

#include "dsl/env/clock.h"

namespace dsl::test {

// Starts at 2026-01-01T00:00:00Z. Wall and monotonic time move together, except for `set_wall`.
//
// Thread-safe. Must outlive whoever waits on it.
class ManualClock final : public env::Clock {
 public:
  ManualClock();

  env::WallTime now() override;
  env::MonoTime mono_now() override;
  // Returns once `advance` has moved the time to `deadline` or beyond.
  void sleep_until(env::MonoTime deadline) override;
  // Besides notifications the waiter sees an `advance` within a millisecond of real time.
  bool wait_until(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                  env::MonoTime deadline) override;

  // Moves the time and wakes those whose deadline has come.
  void advance(std::chrono::milliseconds duration);
  // A step of the wall clock, back or forth, as an operator or NTP makes it.
  void set_wall(env::WallTime time);
  // From now on a sleep moves the time to its deadline and returns at once: for code of one thread
  // that sleeps between its tries.
  void sleep_by_itself();
  // Returns once `count` threads sleep or wait, so that a test may then advance.
  void await_waiters(int count);

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::condition_variable waiting_;
  env::WallTime wall_;
  env::MonoTime mono_{};
  int waiters_ = 0;
  bool sleeps_by_itself_ = false;
};

}  // namespace dsl::test
