// Host ports: chosen for routes, checked for fixed ones.
#pragma once

#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

// Allocations for every route of `service`: those of `former` are kept, the rest are random in
// [port_min, port_max], free in the registry and by a real bind. kNoSpace when none is left.
Result<std::vector<model::Allocation>> allocate_ports(dsl::env::Env& env, const Config& config,
                                                      const model::Service& service,
                                                      const std::vector<model::Allocation>& former,
                                                      const std::vector<PortRecord>& taken);

// Fixed ports against those of other services in the registry, wildcard addresses included.
// kConflict names port and owner.
Result<void> check_fixed_ports(const model::Service& service, const std::vector<PortRecord>& taken);

}  // namespace mcp::agent
