#include "dsl/thread/worker_pool.h"

#include <system_error>

#include <pthread.h>
#include <sched.h>

namespace dsl {

bool WorkerPool::submit(std::function<void()> work) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return false;
    }
    const bool taken = queue_.size() < idle_ || grow();
    if (!taken && (threads_.empty() || queue_.size() >= idle_ + limits_.queue_max)) {
      return false;
    }
    queue_.push_back(std::move(work));
    wake = is_to_wake();
  }
  if (wake) {
    wake_.notify_one();
  }
  return true;
}

bool WorkerPool::is_to_wake() {
  const bool wake = !waking_ && sleeping_ > 0 && !queue_.empty();
  waking_ = waking_ || wake;
  return wake;
}

bool WorkerPool::grow() {
  if (threads_.size() >= limits_.threads_max) {
    return false;
  }
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    return false;  // the machine gives no more threads: live with those we have
  }
  ++idle_;  // counted here, so that the next submit does not take the new thread for its own
  return true;
}

void WorkerPool::run() {
  pthread_setname_np(pthread_self(), name_.c_str());
  // Whoever hands work over goes on first, and may hand over more: on a busy core a worker that cut
  // in for every piece would cost two changes of thread for each. A refusal changes nothing else.
  const sched_param none{};
  (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  std::unique_lock lock(mutex_);
  while (true) {
    while (!stopping_ && queue_.empty()) {
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
      waking_ = false;
    }
    if (queue_.empty()) {
      return;
    }
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    const bool wake = is_to_wake();
    lock.unlock();
    if (wake) {
      wake_.notify_one();
    }
    work();
    work = nullptr;  // what it owns goes outside the lock
    lock.lock();
    ++idle_;
  }
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace dsl
