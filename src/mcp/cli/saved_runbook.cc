#include "mcp/cli/saved_runbook.h"

#include "dsl/env/path.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;
using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

// The agent told it: it becomes part of a path.
bool is_file_name(const std::string& name) {
  constexpr std::size_t kBytesMax = 128;
  return !name.empty() && name.size() <= kBytesMax && name.front() != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string::npos;
}

Result<std::string> fetch_and_save(Context& context) {
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const pb::RunbookPage page,
            client->call<pb::RunbookPage>("GetRunbook", pb::GetRunbookRequest()));
  return save_runbook(context, page.node(), page.text());
}

}  // namespace

std::string saved_runbook_path(const Settings& settings, const std::string& node) {
  return is_file_name(node) ? text("{}/runbooks/{}.md", settings.data_dir, node) : std::string();
}

Result<std::string> save_runbook(Context& context, const std::string& node,
                                 const std::string& markdown) {
  MC_ASSIGN(const Settings settings, context.settings());
  const std::string path = saved_runbook_path(settings, node);
  if (path.empty()) {
    return fail(Code::kInvalidArgument, "the node's name is no name of a file");
  }
  MC_TRY(context.env.files().make_directories(dsl::env::folder_of(path), 0700));
  MC_TRY(context.env.files().write_file(path, markdown, 0600));
  return path;
}

void keep_runbook(Context& context) {
  const Result<std::string> kept = fetch_and_save(context);
  if (context.globals.verbose) {
    context.note(kept ? text("runbook kept as {}", *kept)
                      : text("the runbook was not kept: {}", kept.error().message()));
  }
}

}  // namespace mcp::cli
