// Methods that change nothing.
#pragma once

#include "mcp/agent/handlers.h"

namespace mcp::agent {

void add_read_methods(dsl::rpc::MethodTable& table, HandlerContext& context);

Result<Core*> require_core(HandlerContext& context);

}  // namespace mcp::agent
