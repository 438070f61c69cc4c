// ListFiles, GetFile, BeginPutFile, PutFileChunk and FinishPutFile.
#pragma once

#include "mcp/agent/handlers.h"

namespace mcp::agent {

void add_file_methods(dsl::rpc::MethodTable& table, HandlerContext& context);

}  // namespace mcp::agent
