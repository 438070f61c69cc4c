// A bounded queue of events between one thread that must not wait and one that takes them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "mcns/events/event.h"
#include "mcns/figures/count.h"

namespace mcns {

// Written by one thread, drained by one at a time. Its memory is reserved at once and costs nothing
// before it is used.
class EventRing {
 public:
  // A few thousand answers with their messages; the longest two messages fit several times.
  static constexpr std::size_t kSize = std::size_t{1} << 20U;

  EventRing();

  // Copies all of it; false, and counted, when there is no room.
  bool put(const EventHead& head, std::string_view query, std::string_view response);
  std::uint64_t lost() const { return lost_.value(); }

  // Calls `use(event)` for each that is there by now. How many there were.
  template <class Use>
  std::size_t drain(const Use& use) {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    std::size_t count = 0;
    while (tail != head) {
      Event event;
      const std::size_t size = read(tail, event);
      if (size == 0) {  // the rest of the memory is left out
        tail += kSize - tail % kSize;
        continue;
      }
      use(static_cast<const Event&>(event));
      tail += size;
      tail_.store(tail, std::memory_order_release);
      ++count;
    }
    tail_.store(tail, std::memory_order_release);
    return count;
  }

 private:
  // The event at `tail`; the octets that it takes, or 0 when it lies at the front of the memory.
  std::size_t read(std::uint64_t tail, Event& event) const;

  std::unique_ptr<char[]> memory_;
  // How many octets were ever written and taken.
  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::uint64_t tail_seen_ = 0;  // of the writer: `tail_` as it was last looked at
  Count lost_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
};

}  // namespace mcns
