// Podman's name server on rootless networks (aardvark-dns) and two faults of podman 4.3 that we
// mend, because both leave services unreachable by name while everything looks healthy:
//
// - A container that failed to start, or that podman has forgotten, stays in the name server's
//   folder: its name then resolves to a dead address, beside its successor's.
// - With such an entry the server outlives the network namespace of the last container. The next
//   containers get a new namespace, podman only signals the old server, and no name resolves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/runtime/proc.h"

namespace mcp::runtime {

// Takes containers out of the name server, under the lock that podman takes. Containers that it
// does not know are passed over; without a name server nothing happens.
dsl::Result<void> forget_names(dsl::env::Env& env, const std::string& run_root,
                               const std::vector<std::string>& container_ids);

// Ends a name server whose network namespace has lost its way out; podman starts a new one with
// the next container. To be called before a start.
void end_lost_name_server(dsl::env::Env& env, const std::string& run_root);

// The file of one network without the lines of `container_ids`. Pure.
std::string without_containers(std::string_view config,
                               const std::vector<std::string>& container_ids);

// `net_dev`: text of /proc/<pid>/net/dev. Whether it has an interface that is neither the loopback
// nor one of podman's own bridges and pairs: slirp4netns's tap0, pasta's, or a rootful host's.
bool has_way_out(std::string_view net_dev);

}  // namespace mcp::runtime
