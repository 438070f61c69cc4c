// Threads that run handlers, with a bound on threads and a bound on what waits for them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dsl {

// Threads start when work first needs them and stay until `stop`. One of them is woken at a time,
// and wakes the next when it finds more than it takes: on a busy core a few threads then do all the
// work, instead of each piece waking another. Thread-safe.
class WorkerPool {
 public:
  struct Limits {
    std::size_t threads_max = 1;
    std::size_t queue_max = 0;  // work waiting while every thread is taken
  };

  // `name` is what the threads are called, at most 15 bytes.
  WorkerPool(std::string name, Limits limits) : name_(std::move(name)), limits_(limits) {}
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the bounds are reached or the pool has stopped; `work` is then not run.
  bool submit(std::function<void()> work);
  // Takes no more work, runs what waits, joins every thread. Safe to call twice.
  void stop();

 private:
  // With `mutex_` held:
  bool grow();
  bool is_to_wake();

  void run();

  const std::string name_;
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_, as all below
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  std::size_t sleeping_ = 0;
  bool waking_ = false;  // a thread was woken, and has not looked yet
  bool stopping_ = false;
};

}  // namespace dsl
