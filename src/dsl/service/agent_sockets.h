// Sockets that the agent of the node holds for a service in a container, fetched at each start.
#pragma once

#include <functional>
#include <string>

#include "dsl/env/clock.h"
#include "dsl/service/activation.h"

namespace dsl::service {

// How long is waited for an agent that is away: it may be starting itself, or be replaced.
struct AgentPatience {
  std::chrono::milliseconds answer{5000};     // to one question
  std::chrono::milliseconds pause_first{50};  // doubled up to
  std::chrono::milliseconds pause_max{2000};
  std::chrono::milliseconds total{120000};  // then the start fails, and who runs us tries again
};

// Asks in `directory` until there is an answer. `sleep_until` returns false when it was asked to
// end; that is kCancelled. kUnavailable when the patience is over; other errors end it at once. The
// log tells that it waits, and for how long it has.
Result<ActivatedSockets> wait_for_agent_sockets(
    env::Clock& clock, const std::string& directory,
    const std::function<bool(env::MonoTime)>& sleep_until, const AgentPatience& patience = {});

}  // namespace dsl::service
