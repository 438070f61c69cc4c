#include "support/manual_clock.h"

#include "dsl/result/result.h"

namespace dsl::test {

using namespace std::chrono_literals;

ManualClock::ManualClock()
    : wall_(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)), mono_(1h) {}

env::WallTime ManualClock::now() {
  const std::lock_guard guard(mutex_);
  return wall_;
}

env::MonoTime ManualClock::mono_now() {
  const std::lock_guard guard(mutex_);
  return mono_;
}

void ManualClock::sleep_until(env::MonoTime deadline) {
  std::unique_lock lock(mutex_);
  if (sleeps_by_itself_ && deadline > mono_) {
    wall_ += std::chrono::ceil<std::chrono::milliseconds>(deadline - mono_);
    mono_ = deadline;
    moved_.notify_all();
    return;
  }
  ++waiters_;
  waiting_.notify_all();
  moved_.wait(lock, [&] { return mono_ >= deadline; });
  --waiters_;
}

bool ManualClock::wait_until(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                             env::MonoTime deadline) {
  {
    const std::lock_guard guard(mutex_);
    if (mono_ >= deadline) {
      return false;
    }
    ++waiters_;
    waiting_.notify_all();
  }
  // `advance` cannot notify a foreign condition variable without its mutex; the contract allows
  // spurious wake-ups, so look again every real millisecond.
  cv.wait_for(lock, 1ms);
  const std::lock_guard guard(mutex_);
  --waiters_;
  return mono_ < deadline;
}

void ManualClock::advance(std::chrono::milliseconds duration) {
  MC_ASSERT(duration >= 0ms, "monotonic time does not go back");
  const std::lock_guard guard(mutex_);
  wall_ += duration;
  mono_ += duration;
  moved_.notify_all();
}

void ManualClock::set_wall(env::WallTime time) {
  const std::lock_guard guard(mutex_);
  wall_ = time;
}

void ManualClock::sleep_by_itself() {
  const std::lock_guard guard(mutex_);
  sleeps_by_itself_ = true;
}

void ManualClock::await_waiters(int count) {
  std::unique_lock lock(mutex_);
  waiting_.wait(lock, [&] { return waiters_ >= count; });
}

}  // namespace dsl::test
