#include "mcns/writer/queue.h"

#include <algorithm>

namespace mcns::writer {

using dsl::Code;
using dsl::fail;
using dsl::Result;

Result<void> Queue::run(Job& job) {
  std::future<void> done = job.done.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (paused_ || stopping_) {
      return fail(Code::kUnavailable, "no changes are taken at the moment")
          .hint("another process is taking over, or the service ends: try again in a second");
    }
    if (jobs_.size() >= limits_.queue_max) {
      return fail(Code::kUnavailable, "{} changes are waiting already", jobs_.size())
          .hint("the disk is slow or the load too high; try again later");
    }
    jobs_.push_back(&job);
  }
  queued_.notify_one();
  done.wait();
  return {};
}

std::vector<Job*> Queue::next(std::optional<dsl::env::MonoTime> deadline) {
  std::unique_lock lock(mutex_);
  busy_ = false;
  idle_.notify_all();
  wait_for_work(lock, deadline);
  wait_for_others(lock);
  std::vector<Job*> group;
  while (!jobs_.empty() && group.size() < limits_.group_max &&
         (group.empty() || (!jobs_.front()->alone && !group.front()->alone))) {
    group.push_back(jobs_.front());
    jobs_.pop_front();
  }
  last_group_ = std::max<std::size_t>(group.size(), 1);
  busy_ = true;
  return group;
}

void Queue::wait_for_work(std::unique_lock<std::mutex>& lock,
                          std::optional<dsl::env::MonoTime> deadline) {
  while (jobs_.empty() && !stopping_) {
    if (!deadline) {
      queued_.wait(lock);
    } else if (!clock_.wait_until(queued_, lock, *deadline)) {
      return;
    }
  }
}

// As many as were committed together last time are likely to come again, and one sync for all is
// cheaper than two. Whoever writes alone never waits. Real time, also under a clock that a test
// moves: it paces, and decides nothing.
void Queue::wait_for_others(std::unique_lock<std::mutex>& lock) {
  const std::size_t expected = std::min(last_group_, limits_.group_max);
  if (jobs_.empty() || jobs_.size() >= expected) {
    return;
  }
  queued_.wait_for(lock, limits_.group_wait,
                   [&] { return jobs_.size() >= expected || stopping_ || paused_; });
}

bool Queue::stopped() {
  const std::lock_guard lock(mutex_);
  return stopping_ && jobs_.empty();
}

void Queue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  queued_.notify_one();
}

void Queue::pause() {
  std::unique_lock lock(mutex_);
  paused_ = true;
  queued_.notify_one();
  idle_.wait(lock, [&] { return jobs_.empty() && !busy_; });
}

void Queue::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
}

bool Queue::paused() {
  const std::lock_guard lock(mutex_);
  return paused_;
}

}  // namespace mcns::writer
