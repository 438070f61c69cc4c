#include "mcns/events/query_events.h"

#include <iterator>

namespace mcns {

void QueryEvents::publish(const QueryEvent& event) {
  // Whoever has the queues moves some events and goes: a worker looks again, but never sleeps.
  constexpr int kTries = 100;
  std::unique_lock lock(mutex_, std::try_to_lock);
  for (int tries = 1; tries < kTries && !lock; ++tries) {
    (void)lock.try_lock();
  }
  if (!lock) {
    contended_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const std::uint64_t missed = contended_.exchange(0, std::memory_order_relaxed);
  for (Subscription* subscription : subscriptions_) {
    const bool full = subscription->queue_.size() >= kQueueMax;
    subscription->missed_.fetch_add(missed + (full ? 1 : 0), std::memory_order_relaxed);
    if (!full) {
      subscription->queue_.push_back(event);
    }
  }
  came_.notify_all();
}

QueryEvents::Subscription::Subscription(QueryEvents& events, dsl::env::Clock& clock)
    : events_(events), clock_(clock) {
  const std::lock_guard lock(events_.mutex_);
  events_.subscriptions_.push_back(this);
  events_.watchers_.fetch_add(1, std::memory_order_relaxed);
}

QueryEvents::Subscription::~Subscription() {
  const std::lock_guard lock(events_.mutex_);
  events_.subscriptions_.remove(this);
  events_.watchers_.fetch_sub(1, std::memory_order_relaxed);
}

std::vector<QueryEvent> QueryEvents::Subscription::take(std::chrono::milliseconds patience) {
  const dsl::env::MonoTime deadline = clock_.mono_now() + patience;
  std::unique_lock lock(events_.mutex_);
  while (queue_.empty() && clock_.wait_until(events_.came_, lock, deadline)) {
  }
  std::vector<QueryEvent> taken(std::make_move_iterator(queue_.begin()),
                                std::make_move_iterator(queue_.end()));
  queue_.clear();
  return taken;
}

std::uint64_t QueryEvents::Subscription::missed() {
  return missed_.exchange(0, std::memory_order_relaxed);
}

}  // namespace mcns
