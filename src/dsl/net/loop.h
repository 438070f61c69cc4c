// An epoll loop of one thread: descriptors, timers, and work posted by other threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace dsl::net {

// Who is told about a descriptor. `events` as of epoll(7).
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_ready(std::uint32_t events) = 0;
};

// Confined to the thread that calls `run`, except `post` and `stop`; before `run`, to its maker.
// Time is the kernel's: what a peer does is outside any simulated time.
class Loop {
 public:
  static Result<std::unique_ptr<Loop>> open();

  // Watches `fd` until `remove`; `watcher` outlives that, see `retire`.
  Result<void> add(int fd, std::uint32_t events, Watcher& watcher);
  void remove(int fd);
  // Destroys `watcher` once the events at hand are dealt with: it may be among their receivers.
  void retire(std::unique_ptr<Watcher> watcher) { retired_.push_back(std::move(watcher)); }

  // Runs `work` on the loop's thread, soon. From any thread. Work posted after `stop` is dropped.
  void post(std::function<void()> work);

  // Until `stop`.
  void run();
  void stop();  // from any thread

  // The time at which this round of events began.
  env::MonoTime now() const { return now_; }

 private:
  friend class Timer;
  using Timers = std::multimap<env::MonoTime, class Timer*>;

  Loop(env::UniqueFd epoll, env::UniqueFd wake);
  int wait_ms() const;
  void run_posted();
  void run_timers();

  env::UniqueFd epoll_;
  env::UniqueFd wake_;  // eventfd
  Timers timers_;
  std::vector<std::unique_ptr<Watcher>> retired_;
  env::MonoTime now_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

// One deadline on a loop, moved at little cost: a later deadline is only noted, and the loop finds
// out when the earlier one comes. Confined to the loop's thread; the loop outlives it.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> fired);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // MonoTime::max() = never.
  void set(env::MonoTime deadline);

 private:
  friend class Loop;
  void come(env::MonoTime now);
  void schedule(env::MonoTime at);

  Loop& loop_;
  std::function<void()> fired_;
  env::MonoTime deadline_ = env::MonoTime::max();
  Loop::Timers::iterator entry_;  // at or before `deadline_`
  bool scheduled_ = false;
};

}  // namespace dsl::net
