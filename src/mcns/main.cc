// Wires the command line to the service; all else is in the library.
#include "dsl/cli/cli.h"
#include "dsl/restore/commands.h"
#include "dsl/service/commands.h"
#include "mcns/cli/commands.h"
#include "mcns/service/service.h"

int main(int argc, char** argv) {
  dsl::env::Env& env = dsl::env::system_env();
  dsl::cli::Globals globals;
  mcns::Service service;
  dsl::service::Commands server("mcns", service, globals);
  mcns::cli::Context context(env, globals);
  context.route.configured_socket = [&]() -> dsl::Result<std::string> {
    return globals.config.empty() ? std::string() : mcns::admin_socket(env, globals.config);
  };
  dsl::restore::Commands restore("mcns", env, globals,
                                 [&] { return mcns::restore_settings(env, globals.config); });

  dsl::cli::App app;
  app.name = "mcns";
  app.summary = "The names of the platform: authoritative DNS, a forwarder, and their API.";
  app.options = mcns::cli::options(context);
  app.commands = server.list();
  app.commands.push_back(
      mcns::cli::upgrade_command(context, [&]() -> dsl::Result<mcns::cli::UpgradeSettings> {
        MC_ASSIGN(const mcns::Config config, mcns::read_config(env, globals.config));
        return mcns::cli::UpgradeSettings{config.handover_path(), config.handover_timeout};
      }));
  for (auto& more : {mcns::cli::commands(context), restore.list()}) {
    app.commands.insert(app.commands.end(), more.begin(), more.end());
  }
  app.complete = [&](std::string_view source) { return mcns::cli::live_names(context, source); };
  return dsl::cli::run(app, globals, argc, argv);
}
