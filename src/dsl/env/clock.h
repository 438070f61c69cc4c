// Wall and monotonic time behind one seam.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::env {

// Milliseconds since the Unix epoch, UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
// Never goes back; unrelated to the wall clock. All timeouts are measured with it.
using MonoTime = std::chrono::steady_clock::time_point;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual WallTime now() = 0;
  virtual MonoTime mono_now() = 0;
  virtual void sleep_until(MonoTime deadline) = 0;
  // Waits on `cv` until notified or `deadline`; spurious wake-ups are possible. `lock` is held by
  // the caller and released while waiting. Returns false once `deadline` has passed.
  virtual bool wait_until(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                          MonoTime deadline) = 0;

  void sleep_for(std::chrono::milliseconds duration) { sleep_until(mono_now() + duration); }
};

// RFC 3339 in UTC with milliseconds: 2026-04-03T08:45:00.000Z
std::string format_time(WallTime time);
// RFC 3339: a date and a time of day with "Z" or an offset; seconds and their fraction may be left
// out, and a blank may stand for the "T". kInvalidArgument.
Result<WallTime> parse_time(std::string_view text);

}  // namespace dsl::env
