// Processes of containers that podman knows nothing of: what remains when its database is lost
// under running services. The container, its conmon and its port forwarder all live on, holding
// the data and the ports, and podman can neither stop nor see them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/runtime/name_server.h"  // forget_names is the step after end_leftovers
#include "mcp/runtime/proc.h"

namespace mcp::runtime {

struct Leftover {
  enum class Kind { kContainer, kConmon, kForwarder } kind = Kind::kContainer;
  int pid = 0;
  std::uint64_t start_ticks = 0;  // tells this process from a later one with the same pid
  std::string container_id;
  std::string name;  // container's; empty when its conmon is gone
};

// Every process, of the store with this run root, that belongs to a container, known to podman or
// not: the caller keeps those whose id podman does not list. Sorted by container, then kind.
//
// A conmon names its container in its arguments; a container's first process has mounts from
// <run root>/overlay-containers/<id>; a forwarder shares a pipe with the conmon, and ends by itself
// when that ends.
std::vector<Leftover> find_leftovers(const Proc& proc, const std::string& run_root,
                                     std::uint32_t uid);

// Ends them: TERM to the containers' first processes, KILL to those that live on after `grace`,
// then what conmons and forwarders do not end by themselves. kDeadlineExceeded names what is left.
// A process that is not the one found any more is passed over. Their names still resolve
// afterwards: see forget_names.
dsl::Result<void> end_leftovers(dsl::env::Env& env, const std::vector<Leftover>& leftovers,
                                std::chrono::milliseconds grace);

}  // namespace mcp::runtime
