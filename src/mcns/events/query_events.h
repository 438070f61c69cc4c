// Questions as they are answered, for whoever watches.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dsl/env/clock.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

struct QueryEvent {
  dsl::env::WallTime at;
  std::string client;   // address without the port
  bool stream = false;  // TCP
  Name name;
  Type type = Type::kA;
  Rcode rcode = Rcode::kNoError;
  std::string_view source;  // a literal: "zone", "cache", "forward"
  std::chrono::microseconds took{0};
};

// Between the workers, who must not wait, and the streams that `tail` reads. Thread-safe.
class QueryEvents {
 public:
  // Whether to make an event at all: one load for each query when nobody watches.
  bool wanted() const { return watchers_.load(std::memory_order_relaxed) > 0; }
  // Never sleeps: an event that finds the queue full, or in other hands for longer than a look or
  // two, is counted as missed.
  void publish(const QueryEvent& event);

  // What is published while it lives. Confined to one thread.
  class Subscription {
   public:
    Subscription(QueryEvents& events, dsl::env::Clock& clock);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    // What has come since the last call; waits up to `patience` for the first.
    std::vector<QueryEvent> take(std::chrono::milliseconds patience);
    // How many were missed since the last call.
    std::uint64_t missed();

   private:
    friend class QueryEvents;
    QueryEvents& events_;
    dsl::env::Clock& clock_;
    std::deque<QueryEvent> queue_;  // guarded by events_.mutex_
    std::atomic<std::uint64_t> missed_{0};
  };

 private:
  static constexpr std::size_t kQueueMax = 4096;  // events that one subscription may be behind

  std::atomic<int> watchers_{0};
  std::mutex mutex_;  // guards the list and the queues of its members
  std::condition_variable came_;
  std::list<Subscription*> subscriptions_;
  std::atomic<std::uint64_t> contended_{0};  // events that found the queues in other hands
};

}  // namespace mcns
