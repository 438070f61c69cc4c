#include "mcp/agent/runbook_command.h"

#include <cstdio>

#include "mcp/agent/local_commands.h"
#include "mcp/agent/runbook_file.h"

namespace mcp::agent {

namespace cli = dsl::cli;

cli::Command RunbookCommand::command() {
  return {
      .name = "runbook",
      .summary = "Prints how to bring every service of this node back by hand.",
      .description =
          "Made from the registry, without the server: prerequisites with this node's values, "
          "the podman lines stage by stage, a command that verifies each gate, what goes wrong. "
          "The running agent keeps the same page as agent.runbook (RUNBOOK.md beside the "
          "registry), for when the registry is gone, too.",
      .examples = {"mcp-agent runbook", "mcp-agent runbook --format html > runbook.html"},
      .options = {{.name = "--format",
                   .target = &format_,
                   .help = "the form; default: md",
                   .value_name = "FORM",
                   .one_of = {"md", "html", "txt"}}},
      .run = [this] { return run(); }};
}

dsl::Result<int> RunbookCommand::run() {
  MC_ASSIGN(const Config config, load_config(env_, globals_.config));
  auto registry = Registry::open_as_guest(env_, config.database_path);
  if (!registry) {
    registry.error().set_hint(
        dsl::text("the last page that the agent wrote is {}", config.runbook_path()));
    return tl::unexpected(registry.error());
  }
  MC_ASSIGN(const model::Runbook runbook, gather_runbook(env_, config, **registry));
  MC_ASSIGN(const std::string page, render_runbook(runbook, format_));
  std::fwrite(page.data(), 1, page.size(), stdout);
  return dsl::kExitOk;
}

}  // namespace mcp::agent
