// The checks of a node: each with what was found, what follows from it, and the exact fix. They
// need neither the server nor a network, so that they work when nothing else does.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

struct DoctorFinding {
  std::string id;        // "uid.pinned"
  std::string severity;  // ok, warn, fail, skip
  std::string finding;
  std::string consequence;
  std::string fix;
  std::string code;  // catalogue, "MCP-0301"
};

// `registry` may be null (unreadable or absent). `only` names checks to run; empty = all. The order
// is that of dependence: what fails first explains what fails later.
std::vector<DoctorFinding> examine_node(dsl::env::Env& env, const Config& config,
                                        Registry* registry, const std::vector<std::string>& only);

// Refuses a name that is none of the checks, with the nearest one.
Result<void> known_checks(const std::vector<std::string>& names);

// The checks that must pass before `recover` touches anything; the first failure as an error.
Result<void> blocking_checks(dsl::env::Env& env, const Config& config, Registry* registry);

// Own uid and gid are those of configuration and registry: otherwise the agent refuses to start
// (MCP-0301, both uids, and the two ways out).
Result<void> check_identity(const Config& config, std::uint32_t uid, std::uint32_t gid,
                            const std::optional<NodeRecord>& recorded);

}  // namespace mcp::agent
