// What a worker has done, counted without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "mcns/wire/codes.h"

namespace mcns {

enum class Transport : std::uint8_t { kUdp, kTcp };

// Written by one thread, read by any.
class Count {
 public:
  void add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Of one worker.
struct Counters {
  static constexpr std::size_t kRcodes = 24;  // those beyond count as the last
  static constexpr std::size_t kTypes = 66;   // query types below; the rest count as the last

  std::array<std::array<Count, kRcodes>, 2> answers;  // by transport and rcode
  std::array<Count, kTypes> types;
  Count from_zones;
  Count from_cache;
  Count forwarded;
  Count dropped_malformed;
  Count dropped_truncated;  // datagrams longer than any query
  Count send_failed;
  Count rrl_slipped;  // answers that response rate limiting cut short
  Count rrl_dropped;  // or did not send

  void answered(Transport transport, Rcode rcode) {
    const auto number = static_cast<std::size_t>(rcode);
    answers[static_cast<std::size_t>(transport)][number < kRcodes ? number : kRcodes - 1].add();
  }
  void asked(Type type) {
    const auto number = static_cast<std::size_t>(type);
    types[number < kTypes ? number : kTypes - 1].add();
  }
};

}  // namespace mcns
