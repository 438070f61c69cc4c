// One socket that the agent holds for a container: bound here, or taken back from the container
// that a former agent gave it to.
#pragma once

#include <vector>

#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"
#include "mcp/model/service.h"
#include "mcp/runtime/proc.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

using dsl::Result;

// TCP listens already; UDP has as much room for datagrams that wait as the host allows
// (net.core.rmem_max): it is what the node has while a container is replaced.
//
// kConflict with the holder, when the address is taken; kPermissionDenied; kUnavailable when it is
// not, or not yet, an address of this node.
Result<dsl::env::UniqueFd> bind_socket(const model::Socket& socket);

// Whether `fd` is that socket: its type, its address, listening, and in our own network and not one
// of a container, where the same address may be another.
bool is_bound_as(int fd, const model::Socket& socket);

// Descriptors of our own for those of `wanted` that a process of the container has, each with its
// place in `wanted`. Nothing is bound. Empty when the container does not run, or when the process
// that podman names is not, or no longer, that container's.
struct TakenSocket {
  std::size_t wanted = 0;
  dsl::env::UniqueFd fd;
};
std::vector<TakenSocket> take_from_container(const runtime::Proc& proc,
                                             const runtime::Container& container,
                                             const std::vector<model::Socket>& wanted);
// The same of a process and its descendants, whose identity is the caller's matter.
std::vector<TakenSocket> take_from_process(const runtime::Proc& proc, int pid,
                                           const std::vector<model::Socket>& wanted);

}  // namespace mcp::agent
