// Wires the command line to the agent; all else is in the library.
#include "dsl/cli/cli.h"
#include "dsl/service/commands.h"
#include "mcp/agent/agent.h"
#include "mcp/agent/backup_commands.h"
#include "mcp/agent/local_commands.h"
#include "mcp/agent/recover_data_command.h"

int main(int argc, char** argv) {
  dsl::env::Env& env = dsl::env::system_env();
  dsl::cli::Globals globals;
  if (env.files().exists(mcp::agent::kDefaultConfig).value_or(false)) {
    globals.config = mcp::agent::kDefaultConfig;
  }
  mcp::agent::Agent agent(globals);
  dsl::service::Commands service("mcp-agent", agent, globals);
  mcp::agent::LocalCommands local(env, globals);
  mcp::agent::BackupCommands backup(env, globals);
  mcp::agent::RecoverDataCommand recover_data(env, globals,
                                              [&local](const std::vector<std::string>& services) {
                                                return local.recover_containers(services);
                                              });
  dsl::restore::Commands restore("mcp-agent", env, globals,
                                 [&local] { return local.restore_settings(); });

  dsl::cli::App app;
  app.name = "mcp-agent";
  app.summary = "Owns the containers of this node: boots, watches and recovers them.";
  app.commands = service.list();
  for (dsl::cli::Command& command : local.list()) {
    app.commands.push_back(std::move(command));
  }
  app.commands.push_back(recover_data.command());
  app.commands.push_back(backup.command());
  for (dsl::cli::Command& command : restore.list()) {
    app.commands.push_back(std::move(command));
  }
  return dsl::cli::run(app, globals, argc, argv);
}
