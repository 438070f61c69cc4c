// Spawn mode: `podman system service`, kept running by us.
#pragma once

#include <memory>
#include <string>

#include "dsl/env/env.h"

namespace mcp::runtime {

using dsl::Result;

// Owns the service at `socket`: adopts one that answers there already (of an agent before us), else
// starts it in a session of its own, and starts it again with back-off (1 s doubling to 30 s) when
// it dies. Destroying it leaves the service running. Thread-safe.
class ServiceProcess {
 public:
  // kFailedPrecondition where podman could not work: our NoNewPrivs is 1 (newuidmap would be
  // refused), or /dev/net/tun cannot be opened (no slirp4netns). kUnavailable with the end of the
  // service's output when it does not come up.
  static Result<std::unique_ptr<ServiceProcess>> open(dsl::env::Env& env, const std::string& socket,
                                                      const std::string& log_path);
  virtual ~ServiceProcess() = default;

  // Pid of the process that serves the socket now; 0 while there is none.
  virtual int pid() const = 0;
  // Ends it and starts a new one, for a service whose state is beyond repair: one that had its
  // database removed under it answers every call with an error. Callers that come while this is
  // under way wait for the same new one. Containers are not touched.
  virtual Result<void> restart() = 0;
  // Ends it (TERM, KILL after 5 s) and starts none again.
  virtual Result<void> stop() = 0;
};

// `process_status`: text of /proc/self/status.
Result<void> check_spawn_allowed(std::string_view process_status, dsl::env::FileSystem& files);

}  // namespace mcp::runtime
