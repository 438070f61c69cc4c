// Events as dnstap messages.
#pragma once

#include <cstdint>
#include <string>

#include "mcns/events/event.h"

namespace mcns::dnstap {

// Who tells.
struct Identity {
  std::string server;   // "ns1.example.test"; may be empty
  std::string program;  // "mcns 1.0"
};

// How many messages an event is.
std::uint64_t messages_of(const Event& event);

// Appends a data frame for each message of the event. `at_ns` is when it was asked, since the Unix
// epoch. With `anonymize` clients are known by their network.
void append_frames(const Event& event, std::int64_t at_ns, const Identity& identity, bool anonymize,
                   std::string& out);

}  // namespace mcns::dnstap
