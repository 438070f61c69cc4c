// mcp convert
#include <iostream>
#include <iterator>

#include "mcp/cli/commands.h"
#include "mcp/cli/definitions.h"
#include "mcp/model/render.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;

namespace {

constexpr std::size_t kInputMax = std::size_t{1} << 20;

struct ConvertOptions {
  std::string file = "-";
  std::string folder;
};

Result<std::string> read_input(Context& context, const std::string& file) {
  if (file != "-") {
    return context.env.files().read_file(file, kInputMax);
  }
  std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  if (input.size() > kInputMax) {
    return fail(Code::kTooLarge, "the input has more than {} bytes", kInputMax);
  }
  return input;
}

Result<void> write_definition(Context& context, const std::string& folder,
                              const model::Converted& converted) {
  const std::string path = text("{}/{}.toml", folder, converted.name);
  MC_ASSIGN(const bool exists, context.env.files().exists(path));
  if (exists) {
    MC_ASSIGN(const bool overwrite,
              dsl::cli::confirm(context.globals, text("{} exists. Overwrite it?", path)));
    if (!overwrite) {
      context.note(text("{} is left as it was", path));
      return {};
    }
  }
  if (!context.globals.dry_run) {
    MC_TRY(context.env.files().write_file(path, converted.toml));
  }
  context.print(path + "\n");
  return {};
}

Result<int> convert(Context& context, const ConvertOptions& options) {
  MC_ASSIGN(const std::string input, read_input(context, options.file));
  MC_ASSIGN(const Surroundings surroundings, best_surroundings(context, StandIn::kSilent));
  MC_ASSIGN(const std::vector<model::Converted> definitions,
            model::convert_run_lines(input, surroundings.platform, surroundings.node));
  if (!options.folder.empty() && !context.globals.dry_run) {
    MC_TRY(context.env.files().make_directories(options.folder, 0755));
  }
  for (const model::Converted& definition : definitions) {
    if (options.folder.empty()) {
      context.print(definitions.size() == 1
                        ? definition.toml
                        : text("# --- {}.toml\n{}\n", definition.name, definition.toml));
    } else {
      MC_TRY(write_definition(context, options.folder, definition));
    }
    for (const std::string& notice : definition.notices) {
      context.note(text("{}: {}", definition.name, notice));
    }
  }
  return dsl::kExitOk;
}

}  // namespace

Command convert_command(Context& context) {
  const auto options = std::make_shared<ConvertOptions>();
  Command command;
  command.name = "convert";
  command.summary = "Write definitions from `podman run` command lines";
  command.description =
      "Reads shell text with podman run lines. Lines of one service become components of one "
      "definition. Notes on stderr say where the platform's default would be another.";
  command.examples = {"mcp convert start.sh --out ~/.config/mcp/services",
                      "history | grep 'podman run' | cut -c8- | mcp convert",
                      "mcp convert < start.sh > mcr.toml"};
  command.options = {{.name = "FILE",
                      .target = &options->file,
                      .help = "The text; - or nothing: standard input",
                      .complete = "file"},
                     {.name = "--out",
                      .target = &options->folder,
                      .help = "Write <service>.toml files there, in place of standard output",
                      .value_name = "DIR",
                      .complete = "file"}};
  command.run = [&context, options] { return convert(context, *options); };
  return command;
}

}  // namespace mcp::cli
