// The commands, a family a file. Each function returns commands whose options live as long as they.
#pragma once

#include <vector>

#include "dsl/cli/cli.h"
#include "mcp/cli/context.h"

namespace mcp::cli {

dsl::cli::Command deploy_command(Context& context);

std::vector<dsl::cli::Command> lifecycle_commands(Context& context);  // start stop restart undeploy
std::vector<dsl::cli::Command> look_commands(Context& context);       // ps list ports
dsl::cli::Command status_command(Context& context);
std::vector<dsl::cli::Command> follow_commands(Context& context);  // logs events watch

dsl::cli::Command lint_command(Context& context);
dsl::cli::Command diff_command(Context& context);
dsl::cli::Command render_command(Context& context);
dsl::cli::Command convert_command(Context& context);
dsl::cli::Command sync_command(Context& context);
dsl::cli::Command adopt_command(Context& context);

dsl::cli::Command boot_command(Context& context);
dsl::cli::Command agent_command(Context& context);  // agent status, agent recover
dsl::cli::Command node_command(Context& context);   // node list, show, add, remove, provision
dsl::cli::Command image_command(Context& context);  // image ls, save, load
std::vector<dsl::cli::Command> file_commands(Context& context);  // push pull ls
dsl::cli::Command token_command(Context& context);               // token add, list, remove
dsl::cli::Command doctor_command(Context& context);
dsl::cli::Command explain_command(Context& context);
dsl::cli::Command runbook_command(Context& context);
std::vector<dsl::cli::Command> recovery_commands(Context& context);  // backup, recover

}  // namespace mcp::cli
