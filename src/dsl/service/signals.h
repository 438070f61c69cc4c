// Signals as events of one queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "dsl/env/clock.h"
#include "dsl/env/unique_fd.h"

namespace dsl::service {

// Takes TERM, INT, HUP and USR2 for the whole process while it lives: every thread started after it
// leaves them to this one. A second TERM or INT ends the process at once with 130, whatever it
// does.
class Signals {
 public:
  enum class Event { kStop, kReload, kUpgrade, kWork };

  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next event; nothing once `deadline` has passed.
  std::optional<Event> wait(env::Clock& clock, env::MonoTime deadline);
  // What a first TERM does.
  void request_stop() { post(Event::kStop); }
  // There is something to do beside signals.
  void request_work() { post(Event::kWork); }

 private:
  void run();
  void post(Event event);

  env::UniqueFd signals_;  // signalfd
  env::UniqueFd wake_;     // eventfd
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;  // guarded by mutex_; each waits there at most once
  std::thread thread_;
};

}  // namespace dsl::service
