// What a worker has done, counted without a lock.
#pragma once

#include <array>
#include <cstdint>

#include "mcns/figures/count.h"
#include "mcns/figures/latency.h"
#include "mcns/wire/codes.h"

namespace mcns {

enum class Transport : std::uint8_t { kUdp, kTcp };

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
  Count dropped_truncated;    // datagrams longer than any query
  Count dropped_connections;  // for which no other could make room
  Count send_failed;
  Count rrl_slipped;  // answers that response rate limiting cut short
  Count rrl_dropped;  // or did not send
  // Of zones and the cache the part of a question in the time of its batch; of upstreams the time
  // from the question to its answer.
  Latency zones_took;
  Latency cache_took;
  Latency forward_took;

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
