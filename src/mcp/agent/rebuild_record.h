// What the registry will hold of one service, once it is decided which finding is believed. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mcp/agent/rebuild_sources.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

struct Recorded {
  ServiceRecord record;
  std::string note;  // what a person should know of it; may be empty
};

// `findings` are all of the service, the winner included. A route that nothing tells a port for has
// no allocation.
Recorded record_from(const Finding& winner, std::int64_t generation,
                     const std::vector<const Finding*>& findings, const Remains& remains);

// The first of that source; null when there is none.
const Finding* of_source(const std::vector<const Finding*>& findings, Source source);

// Sentences of a note are parted by semicolons.
void add_note(std::string& note, const std::string& sentence);

}  // namespace mcp::agent
