#include "mcp/agent/handlers.h"

#include "dsl/service/version.h"
#include "mcp/agent/handlers_change.h"
#include "mcp/agent/handlers_file.h"
#include "mcp/agent/handlers_image.h"
#include "mcp/agent/handlers_read.h"
#include "mcp/agent/handlers_token.h"

namespace mcp::agent {

void add_methods(dsl::rpc::MethodTable& table, HandlerContext& context) {
  add_read_methods(table, context);
  add_change_methods(table, context);
  add_image_methods(table, context);
  add_file_methods(table, context);
  add_token_methods(table, context);
}

Result<Core*> require_core(HandlerContext& context) {
  if (context.core == nullptr) {
    return tl::unexpected(context.registry_error);
  }
  return context.core;
}

}  // namespace mcp::agent
