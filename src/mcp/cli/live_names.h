// Names for the shell's completion, from the agent and from the definitions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mcp/cli/context.h"

namespace mcp::cli {

// "service": registered or defined ones. "target": those, and service/component. "container":
// names of containers, foreign ones too. "node": of the configuration file. "code": of the error
// catalogue. Sorted; quick and silent when nothing answers.
std::vector<std::string> live_names(Context& context, std::string_view source);

}  // namespace mcp::cli
