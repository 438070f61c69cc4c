// ListImages, SaveImage and LoadImage.
#pragma once

#include "mcp/agent/handlers.h"

namespace mcp::agent {

void add_image_methods(dsl::rpc::MethodTable& table, HandlerContext& context);

}  // namespace mcp::agent
