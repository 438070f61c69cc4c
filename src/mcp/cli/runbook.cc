// mcp runbook
#include "mcp/cli/commands.h"
#include "mcp/cli/saved_runbook.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;
using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;

namespace {

struct RunbookOptions {
  std::string format = "md";
  bool saved = false;
};

// Which node is meant, when it cannot be asked: by name, else the only one that there is a page of.
Result<std::string> saved_page(Context& context) {
  MC_ASSIGN(const Settings settings, context.settings());
  const std::string folder = settings.data_dir + "/runbooks";
  std::string path;
  const std::string node = !context.node_flag.empty() ? context.node_flag : settings.default_node;
  const auto names = context.env.files().list(folder).value_or(std::vector<std::string>{});
  if (!node.empty()) {
    path = saved_runbook_path(settings, node);
  } else if (names.size() == 1) {
    path = folder + "/" + names.front();
  } else if (names.size() > 1) {
    return fail(Code::kInvalidArgument, "{} holds pages of {} nodes", folder, names.size())
        .hint("say which with --node");
  }
  if (path.empty() || !context.env.files().exists(path).value_or(false)) {
    return fail(Code::kNotFound, "no runbook of {} was kept on this machine",
                node.empty() ? "any node" : node)
        .hint(
            "each `mcp sync` and `mcp deploy` keeps one; on the node it is RUNBOOK.md beside the "
            "agent's registry");
  }
  context.note(text("this is {}", path));
  return context.env.files().read_file(path);
}

Result<int> runbook(Context& context, const RunbookOptions& options) {
  if (options.saved) {
    if (options.format != "md") {
      return fail(Code::kInvalidArgument, "pages are kept as md only")
          .hint("leave --format out, or --saved");
    }
    MC_ASSIGN(const std::string page, saved_page(context));
    context.print(page);
    return dsl::kExitOk;
  }
  pb::GetRunbookRequest request;
  request.set_format(options.format);
  MC_ASSIGN(Client * client, context.client());
  Result<pb::RunbookPage> page = client->call<pb::RunbookPage>("GetRunbook", request);
  if (!page) {
    page.error().set_hint(
        text("{}; the last page that was kept here: mcp runbook --saved", page.error().hint()));
    return tl::unexpected(page.error());
  }
  if (options.format == "md") {
    (void)save_runbook(context, page->node(), page->text());  // printed all the same
  }
  if (context.json()) {
    context.print_json(*page);
  } else {
    context.print(page->text());
  }
  return dsl::kExitOk;
}

}  // namespace

Command runbook_command(Context& context) {
  const auto options = std::make_shared<RunbookOptions>();
  Command command;
  command.name = "runbook";
  command.summary = "Print how to bring every service of the node back by hand";
  command.description =
      "Made from the agent's registry: prerequisites with the node's values, the podman lines "
      "stage "
      "by stage, a command that verifies each gate, loading images without a registry, what goes "
      "wrong and the way out. The agent keeps it as RUNBOOK.md beside its registry; each sync and "
      "deploy keeps a copy here, which --saved prints when the node cannot be asked.";
  command.examples = {"mcp runbook", "mcp runbook --format html > rift.html",
                      "mcp --node rift runbook --saved"};
  command.options = {{.name = "--format",
                      .target = &options->format,
                      .help = "The form; default: md",
                      .value_name = "FORM",
                      .one_of = {"md", "html", "txt"}},
                     {.name = "--saved",
                      .target = &options->saved,
                      .help = "The copy that was kept on this machine; no agent is asked"}};
  command.run = [&context, options] { return runbook(context, *options); };
  return command;
}

}  // namespace mcp::cli
