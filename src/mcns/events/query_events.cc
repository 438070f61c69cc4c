#include "mcns/events/query_events.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "mcns/wire/query.h"

namespace mcns {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kLook{5};  // between looks of a subscription that waits
// Wall time has milliseconds: below this the two clocks say the same.
constexpr std::int64_t kOffsetSlackNs = 5'000'000;
constexpr double kWhole = 4294967296.0;  // of a share
constexpr std::uint32_t kSeedStep = 0x9e3779b9U;

}  // namespace

bool is_error(Rcode rcode, Limited limited) {
  return (rcode != Rcode::kNoError && rcode != Rcode::kNxDomain) || limited != Limited::kNone;
}

void QueryEvents::set_log(EventSink* sink, LogMode mode, double share) {
  const std::lock_guard lock(mutex_);
  log_ = sink;
  share_.store(static_cast<std::uint32_t>(std::clamp(share * kWhole, 0.0, kWhole - 1)));
  std::uint32_t wants = 0;
  if (sink != nullptr) {
    const bool takes_all = mode == LogMode::kAll || (mode == LogMode::kSample && share >= 1);
    wants = takes_all                  ? kLogAll
            : mode == LogMode::kSample ? kLogSample
            : mode == LogMode::kErrors ? kLogErrors
                                       : 0U;
  }
  want(kLogAny, wants);
}

void QueryEvents::set_tap(EventSink* sink) {
  const std::lock_guard lock(mutex_);
  tap_ = sink;
  want(kTap, sink == nullptr ? 0 : kTap);
}

// With the lock.
void QueryEvents::want(std::uint32_t remove, std::uint32_t add) {
  wants_.store((wants_.load(std::memory_order_relaxed) & ~remove) | add, std::memory_order_relaxed);
}

std::size_t QueryEvents::drain() {
  const std::lock_guard lock(mutex_);
  set_offset();
  std::size_t count = 0;
  for (EventRing& ring : rings_) {
    count += drain(ring);
  }
  note_lost();
  return count;
}

std::size_t QueryEvents::drain(EventRing& ring) {
  return ring.drain([this](const Event& event) { give(event); });
}

std::uint64_t QueryEvents::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_by_now();
}

std::uint64_t QueryEvents::lost_by_now() const {
  std::uint64_t lost = lost_of_ended_;
  for (const EventRing& ring : rings_) {
    lost += ring.lost();
  }
  return lost;
}

// Nobody knows for whom they were.
void QueryEvents::note_lost() {
  const std::uint64_t lost = lost_by_now();
  for (Subscription* subscription : subscriptions_) {
    subscription->missed_.fetch_add(lost - lost_noted_, std::memory_order_relaxed);
  }
  lost_noted_ = lost;
}

// Only when the wall clock was moved: times of events are as far apart as they were.
void QueryEvents::set_offset() {
  const std::int64_t mono = nanoseconds(clock_.mono_now().time_since_epoch()).count();
  const std::int64_t wall = nanoseconds(clock_.now().time_since_epoch()).count();
  if (std::abs(wall - mono - offset_ns_) > kOffsetSlackNs) {
    offset_ns_ = wall - mono;
  }
}

void QueryEvents::give(const Event& event) {
  const std::int64_t at_ns = event.head.asked_ns + offset_ns_;
  const unsigned readers = event.head.readers;
  if ((readers & EventHead::kTap) != 0 && tap_ != nullptr) {
    tap_->take(event, at_ns);
  }
  if ((readers & EventHead::kLog) != 0 && log_ != nullptr) {
    log_->take(event, at_ns);
  }
  if ((readers & EventHead::kWatcher) != 0 && !subscriptions_.empty()) {
    show(event, at_ns);
  }
}

void QueryEvents::show(const Event& event, std::int64_t at_ns) {
  QueryEvent shown;
  shown.at = dsl::env::WallTime(std::chrono::floor<std::chrono::milliseconds>(nanoseconds(at_ns)));
  shown.client = event.head.peer.text();
  shown.stream = event.head.stream;
  if (Query query; read_question(event.query, query)) {
    shown.name = Name::from_wire(query.name.wire).value_or(Name());
    shown.type = query.type;
  }
  shown.rcode = event.head.rcode;
  shown.source = text(event.head.path);
  shown.limited = text(event.head.limited);
  shown.took = duration_cast<std::chrono::microseconds>(nanoseconds(event.head.took_ns));
  for (Subscription* subscription : subscriptions_) {
    if (subscription->queue_.size() >= kQueueMax) {
      subscription->missed_.fetch_add(1, std::memory_order_relaxed);
    } else {
      subscription->queue_.push_back(shown);
    }
  }
}

QueryEvents::Subscription::Subscription(QueryEvents& events) : events_(events) {
  const std::lock_guard lock(events_.mutex_);
  events_.note_lost();  // what was lost before is not this one's
  events_.subscriptions_.push_back(this);
  events_.want(0, kWatch);
}

QueryEvents::Subscription::~Subscription() {
  const std::lock_guard lock(events_.mutex_);
  events_.subscriptions_.remove(this);
  if (events_.subscriptions_.empty()) {
    events_.want(kWatch, 0);
  }
}

std::vector<QueryEvent> QueryEvents::Subscription::take(std::chrono::milliseconds patience) {
  const dsl::env::MonoTime deadline = events_.clock_.mono_now() + patience;
  while (true) {
    (void)events_.drain();  // how many is the queue's to say
    const dsl::env::MonoTime now = events_.clock_.mono_now();
    {
      const std::lock_guard lock(events_.mutex_);
      if (!queue_.empty() || now >= deadline) {
        std::vector<QueryEvent> taken(std::make_move_iterator(queue_.begin()),
                                      std::make_move_iterator(queue_.end()));
        queue_.clear();
        return taken;
      }
    }
    events_.clock_.sleep_until(std::min(deadline, now + kLook));
  }
}

EventSource::EventSource(QueryEvents& events) : events_(events) {
  const std::lock_guard lock(events_.mutex_);
  ring_ = &events_.rings_.emplace_back();
  random_ = static_cast<std::uint32_t>(events_.rings_.size()) * kSeedStep;
}

EventSource::~EventSource() {
  const std::lock_guard lock(events_.mutex_);
  events_.set_offset();
  (void)events_.drain(*ring_);
  events_.lost_of_ended_ += ring_->lost();
  events_.rings_.remove_if([this](const EventRing& ring) { return &ring == ring_; });
}

std::uint8_t EventSource::choose(std::uint32_t wants, bool is_error) {
  unsigned readers = 0;
  readers |= (wants & QueryEvents::kWatch) != 0 ? unsigned{EventHead::kWatcher} : 0U;
  readers |= (wants & QueryEvents::kTap) != 0 ? unsigned{EventHead::kTap} : 0U;
  bool is_logged =
      (wants & QueryEvents::kLogAll) != 0 || ((wants & QueryEvents::kLogErrors) != 0 && is_error);
  if ((wants & QueryEvents::kLogSample) != 0) {
    // Marsaglia's xorshift.
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 17U;
    random_ ^= random_ << 5U;
    is_logged = random_ < events_.share_.load(std::memory_order_relaxed);
  }
  return static_cast<std::uint8_t>(readers | (is_logged ? unsigned{EventHead::kLog} : 0U));
}

void EventSource::put(const EventHead& head, std::string_view query, std::size_t question_end,
                      std::string_view response) {
  const bool is_whole = (head.readers & EventHead::kTap) != 0;
  // One that finds no room is counted by the ring.
  (void)ring_->put(head, is_whole ? query : query.substr(0, question_end),
                   is_whole ? response : std::string_view());
}

}  // namespace mcns
