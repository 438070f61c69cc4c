// mcp render
#include "mcp/model/render.h"

#include "mcp/cli/commands.h"
#include "mcp/cli/definitions.h"

namespace mcp::cli {

using dsl::cli::Command;

namespace {

struct RenderOptions {
  std::string service;
  std::string format = "run";
  bool resolved = false;
};

Result<int> render(Context& context, const RenderOptions& options) {
  MC_ASSIGN(DefinitionFile file, read_definition(context, options.service));
  MC_ASSIGN(const Surroundings surroundings, best_surroundings(context, StandIn::kNone));
  MC_ASSIGN(const ResolvedFile resolved, resolve_file(std::move(file), surroundings));
  if (options.format == "json") {
    context.print(model::canonical_json(resolved.service) + "\n");
  } else if (options.format == "toml") {
    context.print(options.resolved ? model::render_toml(resolved.service) : resolved.file.toml);
  } else {
    const model::Rendered rendered = model::render_run(resolved.service, {});
    context.print(rendered.text);
    for (const std::string& notice : rendered.notices) {
      context.note("note: " + notice);
    }
  }
  return dsl::kExitOk;
}

}  // namespace

Command render_command(Context& context) {
  const auto options = std::make_shared<RenderOptions>();
  Command command;
  command.name = "render";
  command.summary = "Print a definition in another form";
  command.description =
      "run   the podman command lines that make the same containers, for a shell\n"
      "toml  the definition; with --resolved every default is written out\n"
      "json  the resolved specification, byte for byte as the agent records it\n"
      "\n"
      "What a form cannot express is a comment in the output and a note on stderr.";
  command.examples = {"mcp render mcr", "mcp render mcr --format toml --resolved",
                      "mcp render ./mcq.toml --format json | sha256sum"};
  command.options = {{.name = "SERVICE",
                      .target = &options->service,
                      .help = "SERVICE, or a path ending in .toml",
                      .required = true,
                      .complete = "service"},
                     {.name = "--format",
                      .target = &options->format,
                      .help = "The form; default: run",
                      .value_name = "FORM",
                      .one_of = {"run", "toml", "json"}},
                     {.name = "--resolved",
                      .target = &options->resolved,
                      .help = "With toml: every default written out"}};
  command.run = [&context, options] { return render(context, *options); };
  return command;
}

}  // namespace mcp::cli
