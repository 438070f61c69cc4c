// PodmanRuntime: the libpod REST API (4.0 to 5.x) over a unix socket.
#pragma once

#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "mcp/runtime/runtime.h"

namespace mcp::runtime {

// Thread-safe. In spawn mode it also owns the service process: started in a session of its own, so
// that it outlives a restart of ours, restarted with back-off when it dies; neither harms
// containers. Refuses an API below 4.0 (kFailedPrecondition with the version found), and in spawn
// mode NoNewPrivs or an unusable /dev/net/tun.
class PodmanRuntime : public Runtime {
 public:
  static Result<std::unique_ptr<PodmanRuntime>> open(dsl::env::Env& env,
                                                     const PodmanOptions& options);

  virtual std::string mode() const = 0;  // "socket" or "spawn"
  // Ends the service process of spawn mode for good (containers go on); nothing in socket mode.
  // The destructor leaves it running, for the next agent to adopt.
  virtual Result<void> stop_service() = 0;
  virtual std::string socket_path() const = 0;
};

}  // namespace mcp::runtime
