// The two pages of `mcp status`. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/cli/cli.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

// One service: state, containers with drift, ports, last events.
std::string service_page(const dsl::cli::Globals& globals, const pb::ServiceDetail& detail,
                         std::int64_t now_ms);

// The node: agent, runtime, registry, boot, what needs attention, and the next steps.
std::string node_page(const dsl::cli::Globals& globals, const pb::AgentStatus& status,
                      const pb::ListContainersReply& containers, std::int64_t now_ms);

// The agent itself: versions, paths, runtime, for `mcp agent status`.
std::string agent_page(const dsl::cli::Globals& globals, const pb::AgentStatus& status,
                       std::int64_t now_ms);

}  // namespace mcp::cli
