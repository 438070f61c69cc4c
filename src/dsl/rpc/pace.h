// How quick a method's handler has shown itself to be.
#pragma once

#include <atomic>
#include <chrono>

namespace dsl::rpc {

// To hand a call to another thread and back costs more than a small call does in all. A method that
// was quick so many times in a row may run where its request arrived; one slow run, and it has to
// show its pace anew on the workers. Nobody declares it, so nobody declares it wrongly.
//
// Thread-safe. Counts that are lost between threads only make it slower to trust.
class Pace {
 public:
  static constexpr int kRuns = 32;
  // Above it the hand-off is a small part of the call.
  static constexpr std::chrono::microseconds kQuick{200};

  bool quick() const { return runs_.load(std::memory_order_relaxed) >= kRuns; }
  void ran(std::chrono::nanoseconds duration) {
    const int runs = runs_.load(std::memory_order_relaxed);
    if (duration >= kQuick) {
      runs_.store(0, std::memory_order_relaxed);
    } else if (runs < kRuns) {
      runs_.store(runs + 1, std::memory_order_relaxed);
    }
  }

 private:
  std::atomic<int> runs_{0};
};

}  // namespace dsl::rpc
