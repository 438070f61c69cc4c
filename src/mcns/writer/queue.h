// Writes that wait to be committed together.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "dsl/env/env.h"
#include "mcns/writer/job.h"

namespace mcns::writer {

// Thread-safe: many callers, one thread that writes.
class Queue {
 public:
  struct Limits {
    std::size_t group_max = 1;
    std::chrono::milliseconds group_wait{0};
    std::size_t queue_max = 1;
  };
  Queue(dsl::env::Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

  // Returns once the job was done. kUnavailable when too many wait, or writes are paused.
  dsl::Result<void> run(Job& job);

  // What is to be committed next; none at `deadline`, or at the end, when `stopped` says so. Those
  // it gave before count as done.
  std::vector<Job*> next(std::optional<dsl::env::MonoTime> deadline);
  bool stopped();
  void stop();

  // Takes no more; returns when nothing waits and nothing is under way.
  void pause();
  void resume();
  bool paused();

 private:
  void wait_for_work(std::unique_lock<std::mutex>& lock,
                     std::optional<dsl::env::MonoTime> deadline);
  void wait_for_others(std::unique_lock<std::mutex>& lock);

  dsl::env::Clock& clock_;
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable queued_;
  std::condition_variable idle_;
  std::deque<Job*> jobs_;  // guarded by mutex_, as all below
  std::size_t last_group_ = 1;
  bool busy_ = false;
  bool paused_ = false;
  bool stopping_ = false;
};

}  // namespace mcns::writer
