// Answers, and messages to and from upstreams, as they happen, for whoever wants to know: `mcns
// tail`, the query log, dnstap.
//
// Each thread that answers tells by an EventSource of its own, which has a ring; whoever reads
// drains all rings for all readers. Nobody reads: one load for each question.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dsl/env/clock.h"
#include "mcns/events/event.h"
#include "mcns/events/ring.h"
#include "mcns/wire/name.h"

namespace mcns {

// An answer as `tail` shows it.
struct QueryEvent {
  dsl::env::WallTime at;
  std::string client;   // address without the port
  bool stream = false;  // TCP
  Name name;            // the root when the question could not be read
  Type type = Type::kA;
  Rcode rcode = Rcode::kNoError;
  std::string_view source;   // a literal: "zone", "special", "cache", "forward"
  std::string_view limited;  // the same: "slipped", "dropped"; mostly empty
  std::chrono::microseconds took{0};
};

// Which answers go to the log.
enum class LogMode : std::uint8_t { kOff, kErrors, kSample, kAll };
// Anything but NOERROR and NXDOMAIN, and what is limited: what says that something is wrong, here
// or with the question.
bool is_error(Rcode rcode, Limited limited = Limited::kNone);

// Takes events for a log or a tap.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // `at_ns`: when it was asked, since the Unix epoch. One call at a time, on the thread of whoever
  // drains: it must not wait.
  virtual void take(const Event& event, std::int64_t at_ns) = 0;
};

// Thread-safe. Outlives its sources, subscriptions, and has its sinks taken back before they go.
class QueryEvents {
 public:
  // `clock` outlives it.
  explicit QueryEvents(dsl::env::Clock& clock) : clock_(clock) {}
  QueryEvents(const QueryEvents&) = delete;
  QueryEvents& operator=(const QueryEvents&) = delete;

  // Whether anybody wants any.
  bool wanted() const { return wants_.load(std::memory_order_relaxed) != 0; }

  // One of each; null takes it back. `share` of the answers, 0 to 1, is for kSample.
  void set_log(EventSink* sink, LogMode mode, double share);
  void set_tap(EventSink* sink);

  // From the rings to the readers. How many.
  std::size_t drain();
  // Events that found their ring full, of all times.
  std::uint64_t lost() const;

  // Answers while it lives. Confined to one thread.
  class Subscription {
   public:
    explicit Subscription(QueryEvents& events);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    // What has come since the last call; waits up to `patience` for the first.
    std::vector<QueryEvent> take(std::chrono::milliseconds patience);
    // How many were missed since the last call.
    std::uint64_t missed() { return missed_.exchange(0, std::memory_order_relaxed); }

   private:
    friend class QueryEvents;
    QueryEvents& events_;
    std::deque<QueryEvent> queue_;  // guarded by events_.mutex_
    std::atomic<std::uint64_t> missed_{0};
  };

 private:
  friend class EventSource;
  // Bits of `wants_`.
  static constexpr std::uint32_t kWatch = 1;
  static constexpr std::uint32_t kTap = 2;
  static constexpr std::uint32_t kLogErrors = 4;
  static constexpr std::uint32_t kLogSample = 8;
  static constexpr std::uint32_t kLogAll = 16;
  static constexpr std::uint32_t kLogAny = kLogErrors | kLogSample | kLogAll;
  static constexpr std::size_t kQueueMax = 4096;  // events that one subscription may be behind

  void want(std::uint32_t remove, std::uint32_t add);
  std::size_t drain(EventRing& ring);
  std::uint64_t lost_by_now() const;
  void note_lost();
  void give(const Event& event);
  void show(const Event& event, std::int64_t at_ns);
  // What is to be added to monotonic time, for time since the Unix epoch.
  void set_offset();

  dsl::env::Clock& clock_;
  alignas(64) std::atomic<std::uint32_t> wants_{0};
  std::atomic<std::uint32_t> share_{0};  // of 2^32
  alignas(64) mutable std::mutex mutex_;
  std::list<EventRing> rings_;              // guarded by mutex_, as all below
  std::list<Subscription*> subscriptions_;  // and the queues of its members
  EventSink* log_ = nullptr;
  EventSink* tap_ = nullptr;
  std::int64_t offset_ns_ = 0;
  std::uint64_t lost_of_ended_ = 0;  // rings
  std::uint64_t lost_noted_ = 0;
};

// Of a thread that answers or asks. Confined to it, apart from being made and destroyed.
class EventSource {
 public:
  explicit EventSource(QueryEvents& events);
  ~EventSource();
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  // For whom such an answer is (bits of EventHead::readers); 0, after one load, when nobody wants
  // any.
  std::uint8_t readers_of(Rcode rcode, Limited limited = Limited::kNone) {
    const std::uint32_t wants = events_.wants_.load(std::memory_order_relaxed);
    return wants == 0 ? std::uint8_t{0} : choose(wants, is_error(rcode, limited));
  }
  // Whether a tap wants messages of upstreams.
  bool is_tapped() const {
    return (events_.wants_.load(std::memory_order_relaxed) & QueryEvents::kTap) != 0;
  }
  // Copies both messages, or of `query` what those want who are not a tap: the first
  // `question_end` octets. Neither waits nor allocates.
  void put(const EventHead& head, std::string_view query, std::size_t question_end,
           std::string_view response);

 private:
  std::uint8_t choose(std::uint32_t wants, bool is_error);

  QueryEvents& events_;
  EventRing* ring_;
  std::uint32_t random_;  // which answers are sampled: nobody gains from guessing that
};

}  // namespace mcns
