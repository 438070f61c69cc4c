#include "mcp/cli/app.h"

#include <algorithm>
#include <iterator>

#include "mcp/cli/commands.h"
#include "mcp/cli/live_names.h"

namespace mcp::cli {

namespace {

void append(std::vector<dsl::cli::Command>& to, std::vector<dsl::cli::Command> more) {
  std::move(more.begin(), more.end(), std::back_inserter(to));
}

// In the order of the help page: change, look, files, definitions, the node itself.
std::vector<dsl::cli::Command> commands(Context& context) {
  std::vector<dsl::cli::Command> out;
  out.push_back(deploy_command(context));
  append(out, lifecycle_commands(context));
  out.push_back(sync_command(context));
  out.push_back(adopt_command(context));
  out.push_back(status_command(context));
  append(out, look_commands(context));
  append(out, follow_commands(context));
  append(out, file_commands(context));
  out.push_back(lint_command(context));
  out.push_back(diff_command(context));
  out.push_back(render_command(context));
  out.push_back(convert_command(context));
  out.push_back(boot_command(context));
  out.push_back(agent_command(context));
  out.push_back(node_command(context));
  out.push_back(image_command(context));
  append(out, recovery_commands(context));
  out.push_back(token_command(context));
  out.push_back(doctor_command(context));
  out.push_back(explain_command(context));
  out.push_back(runbook_command(context));
  return out;
}

}  // namespace

int run(dsl::env::Env& env, int argc, const char* const* argv) {
  Context context(env);
  dsl::cli::App app;
  app.name = "mcp";
  app.summary = "Deploy, watch and recover the services of a node through its agent";
  app.options = {
      {.name = "--node",
       .target = &context.node_flag,
       .help = "The node to work on, at any of its addresses; also default_node of the file",
       .value_name = "NODE",
       .complete = "node"},
      {.name = "--via",
       .target = &context.via_flag,
       .help = "Reach the node's agent through ssh, whatever else is down",
       .value_name = "WAY",
       .one_of = {"ssh"}},
      {.name = "--address",
       .target = &context.address_flag,
       .help = "Reach the node at this address only",
       .value_name = "HOST:PORT"},
      {.name = "--socket",
       .target = &context.socket_flag,
       .help = "The agent's local socket; also $MCP_SOCKET",
       .value_name = "PATH",
       .complete = "file"},
      {.name = "--services-dir",
       .target = &context.services_dir_flag,
       .help = "Folder of the definitions; also $MCP_SERVICES_DIR",
       .value_name = "DIR",
       .complete = "file"},
  };
  app.commands = commands(context);
  app.complete = [&](std::string_view source) { return live_names(context, source); };
  return dsl::cli::run(app, context.globals, argc, argv);
}

}  // namespace mcp::cli
