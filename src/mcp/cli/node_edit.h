// [[nodes]] of mcp.toml as a text: what people wrote around them stays.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "mcp/cli/node_settings.h"

namespace mcp::cli {

// The text with the node at its end.
std::string with_node(std::string_view text, const NodeSettings& node);

// The text without the table of the node, which `text` has, and with the comments around it.
// kFailedPrecondition when its nodes are not written as [[nodes]].
dsl::Result<std::string> without_node(std::string_view text, std::string_view name);

}  // namespace mcp::cli
