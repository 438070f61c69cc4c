// mcp-agent as a program on the node: for what works on its files, and must do so when the agent
// itself is down.
#pragma once

#include <string>
#include <vector>

#include "mcp/cli/context.h"

namespace mcp::cli {

// Becomes `mcp-agent WORDS` on this machine, or `ssh NODE mcp-agent WORDS` for the node that
// --node,
// --via or default_node name; so terminal, streams and exit code are that program's. Returns only
// when it cannot be started.
Result<int> become_node_program(Context& context, const std::vector<std::string>& words);

// One word for a shell: 'it'\''s'.
std::string shell_quoted(const std::string& word);

}  // namespace mcp::cli
