// Methods that change the node, each through an operation, a boot run or the definitions.
#pragma once

#include "mcp/agent/handlers.h"

namespace mcp::agent {

void add_change_methods(dsl::rpc::MethodTable& table, HandlerContext& context);

}  // namespace mcp::agent
