#include "mcp/cli/route.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

Result<NodeSettings> chosen_node(const Settings& settings, const std::string& flag) {
  if (!flag.empty() || !settings.default_node.empty()) {
    return find_node(settings, flag.empty() ? settings.default_node : flag);
  }
  if (settings.nodes.size() != 1) {
    return fail(Code::kInvalidArgument, "which node? {} has {}", settings.file,
                settings.nodes.empty() ? "none" : "several")
        .hint(settings.nodes.empty()
                  ? "add [[nodes]] with name and ssh = \"user@host\" to it"
                  : "name it with --node, or set default_node; `mcp node list` shows them");
  }
  return settings.nodes.front();
}

}  // namespace

Result<std::unique_ptr<Route>> open_route(dsl::env::Env& env, const Settings& settings,
                                          const RouteFlags& flags) {
  if (flags.via == "ssh") {
    MC_ASSIGN(const NodeSettings node, chosen_node(settings, flags.node));
    return ssh_route(env, node);
  }
  if (!flags.node.empty()) {
    MC_TRY(find_node(settings, flags.node));
    return fail(Code::kInvalidArgument, "node {} is reached through ssh only", flags.node)
        .hint(text("add --via ssh; without --node the agent of this machine is asked"));
  }
  return local_route(env, settings.socket);
}

}  // namespace mcp::cli
