// Whether a container that podman calls running really runs: podman keeps saying so when container
// and conmon were killed, and when only the port forwarder died.
#pragma once

#include <string>
#include <vector>

#include "mcp/runtime/proc.h"
#include "mcp/runtime/runtime.h"

namespace mcp::runtime {

struct Liveness {
  enum class State {
    kAlive,
    kStale,     // the process or its conmon is gone: start and restart would fail
    kPortDead,  // a published port has no forwarder
  } state = State::kAlive;
  model::Port port;    // of kPortDead: the first such port, count 1
  std::string reason;  // "process 4711 is gone", "127.0.0.1:8443/tcp has no listener"
};

// One look at the listeners of this host, good for the checks of one pass. Immutable afterwards.
class LivenessPass {
 public:
  // Forwarders run as `uid`.
  LivenessPass(Proc proc, std::uint32_t uid);

  // `container` as `list` or `inspect` gave it. Judges running ones only; any other is kAlive,
  // since podman does not claim otherwise.
  Liveness check(const Container& container) const;

 private:
  bool is_held(const model::Port& port) const;

  Proc proc_;
  std::vector<Listener> listeners_;
};

}  // namespace mcp::runtime
