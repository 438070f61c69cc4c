#include "dsl/service/commands.h"

#include <cstdio>

namespace dsl::service {

Commands::Commands(std::string name, Service& service, const cli::Globals& globals)
    : name_(std::move(name)), service_(service), globals_(globals) {}

std::vector<cli::Command> Commands::list() {
  const cli::Option set{.name = "--set",
                        .target = &settings_,
                        .help = "set a configuration key, before file and environment",
                        .value_name = "KEY=VALUE"};
  cli::Command server{.name = "server",
                      .summary = "Run the service in the foreground",
                      .examples = {text("{} server --config /srv/{}/{}.toml", name_, name_, name_)},
                      .options = {set},
                      .run = [this] { return serve(); }};
  server.options.push_back(
      {.name = "--once", .target = &once_, .help = "stop as soon as it is ready"});
  server.options.push_back({.name = "--ready-fd",
                            .target = &ready_fd_,
                            .help = "report the listeners on this descriptor, then close it",
                            .value_name = "FD"});
  server.options.push_back(
      {.name = "--grace", .target = &grace_, .help = "time for running calls after TERM"});
  cli::Command check_command{
      .name = "check-config",
      .summary = "Check the configuration and print each value with its origin",
      .examples = {text("{} check-config --config {}.toml", name_, name_)},
      .options = {set},
      .run = [this] { return check(); }};
  cli::Command reference{.name = "reference",
                         .summary = "Print a commented configuration with every key",
                         .examples = {text("{} config reference > {}.toml", name_, name_)},
                         .run = [this]() -> Result<int> {
                           std::fputs(config_reference(name_, service_).c_str(), stdout);
                           return kExitOk;
                         }};
  cli::Command config{
      .name = "config", .summary = "About the configuration", .commands = {std::move(reference)}};
  cli::Command openapi_command{.name = "openapi",
                               .summary = "Print the OpenAPI 3.1 document of the REST API",
                               .examples = {text("{} openapi | jq .paths", name_)},
                               .run = [this] { return openapi(); }};
  return {std::move(server), std::move(check_command), std::move(openapi_command),
          std::move(config)};
}

Result<int> Commands::serve() {
  RunOptions options;
  MC_ASSIGN(options.sources, sources());
  options.ready_fd = static_cast<int>(ready_fd_);
  options.once = once_;
  options.grace = grace_;
  return run(name_, service_, options);
}

Result<int> Commands::check() {
  MC_ASSIGN(const config::Sources from, sources());
  // Whatever is wrong with a configuration is a mistake in usage: exit code 2.
  const Result<std::string> effective = check_config(name_, service_, from);
  if (!effective) {
    std::fprintf(stderr, "%s\n", effective.error().render().c_str());
    return kExitUsage;
  }
  std::fputs(effective->c_str(), stdout);
  return kExitOk;
}

Result<int> Commands::openapi() {
  MC_ASSIGN(const std::string document, service_.openapi());
  std::fputs(document.c_str(), stdout);
  return kExitOk;
}

Result<config::Sources> Commands::sources() const {
  config::Sources sources;
  sources.file_required = !globals_.config.empty();
  sources.file = sources.file_required ? globals_.config : text("/srv/{}/{}.toml", name_, name_);
  for (const std::string& setting : settings_) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Code::kInvalidArgument, "--set {} is not KEY=VALUE", setting);
    }
    sources.flags[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return sources;
}

}  // namespace dsl::service
