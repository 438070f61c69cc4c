// Podman says some events twice; the agent hears each once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <tuple>

#include "dsl/env/clock.h"
#include "mcp/runtime/runtime.h"

namespace mcp::runtime {

// Podman's stream follows a file (events_logger = "file"). When that has grown to its limit, 1 MB,
// podman rewrites it with its newer half, and the stream then reads the new file from its
// beginning: every event in it comes again, deaths too. (podman 4.3; it means to skip them, but
// compares the rotation's time with the present.)
//
// Confined to one stream.
class EventFilter {
 public:
  // What happened before `began` is not part of the stream.
  explicit EventFilter(dsl::env::WallTime began) : began_(began) {}

  // False for an event that was here before.
  bool is_new(const RuntimeEvent& event);

 private:
  // An event's identity. Its clock has nanoseconds, and its processes are many.
  using Key = std::tuple<std::int64_t, std::string, std::string>;

  dsl::env::WallTime began_;
  std::set<Key> seen_;
  std::deque<Key> order_;  // of seen_, oldest first
};

}  // namespace mcp::runtime
