// Operator tokens: who may call over the network.
#pragma once

#include "mcp/agent/handlers.h"

namespace mcp::agent {

void add_token_methods(dsl::rpc::MethodTable& table, HandlerContext& context);

}  // namespace mcp::agent
