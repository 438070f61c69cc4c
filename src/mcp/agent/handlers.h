// The methods of AgentService over the agent's parts.
#pragma once

#include <functional>

#include "dsl/auth/tokens.h"
#include "dsl/rpc/api.h"
#include "mcp/agent/core.h"
#include "mcp/agent/doctor.h"

namespace mcp::agent {

// What the handlers work on. `core` is null while the registry is unreadable: every method that
// needs it then fails with `registry_error`, and no container is touched.
struct HandlerContext {
  dsl::env::Env& env;
  const Config& config;
  Core* core = nullptr;
  dsl::Error registry_error{dsl::Code::kUnavailable, "not started"};
  dsl::env::WallTime started{};
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string boot_id;
  std::shared_ptr<dsl::auth::TokenFile> tokens;  // nothing = none are kept
  std::atomic<bool> stopping = false;
};

// `context` must outlive the table's server.
void add_methods(dsl::rpc::MethodTable& table, HandlerContext& context);

}  // namespace mcp::agent
