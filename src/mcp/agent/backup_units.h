// What a backup of this node consists of: its services' directories, and the agent's own.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"
#include "mcp/recovery/backup.h"

namespace mcp::agent {

// The agent itself, as a unit of a backup.
inline constexpr const char* kAgentUnit = "mcp";

// Applications first, what they stand on last: so a reference never points to something that is
// newer than it needs. `only` names services; empty = all, and the agent. kNotFound.
Result<std::vector<recovery::Unit>> backup_units(const Config& config, Registry& registry,
                                                 const std::vector<std::string>& only);

// One image for each reference that a service of `units` uses.
Result<std::vector<recovery::CreateRequest::Image>> backup_images(
    dsl::env::Env& env, Registry& registry, const std::vector<recovery::Unit>& units);

recovery::Settings backup_settings(const Config& config);

// Where the replicas of services' databases lie: "/srv/replicas/mcr/mcr.db/...".
std::vector<std::string> replica_directories(const Config& config);

// What a backup is about when nobody says otherwise: "metacircular.net" of the service zone
// "svc.mcp.metacircular.net".
std::string domain_of(const Config& config);

}  // namespace mcp::agent
