// The last runbook of each node, kept on this machine: it is wanted when the node is not there to
// be asked.
#pragma once

#include <string>

#include "mcp/cli/context.h"

namespace mcp::cli {

// <data_dir>/runbooks/<node>.md; empty for a name that is no name of a file.
std::string saved_runbook_path(const Settings& settings, const std::string& node);

// After a change: fetches the page and keeps it, mode 0600. What goes wrong is told with -v only,
// since the change itself was made.
void keep_runbook(Context& context);
Result<std::string> save_runbook(Context& context, const std::string& node,
                                 const std::string& markdown);

}  // namespace mcp::cli
