// mcp node provision
#pragma once

#include "dsl/cli/cli.h"
#include "mcp/cli/context.h"

namespace mcp::cli {

dsl::cli::Command provision_command(Context& context);

}  // namespace mcp::cli
