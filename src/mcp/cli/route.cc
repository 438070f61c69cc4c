#include "mcp/cli/route.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;

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

namespace {

// The node meant by a command that names none and no socket; nothing for the agent of this machine.
const NodeSettings* implied_node(dsl::env::Env& env, const Settings& settings) {
  const bool agent_here = env.files().exists(settings.socket).value_or(true);
  for (const NodeSettings& node : settings.nodes) {
    const bool meant = settings.default_node.empty() ? settings.nodes.size() == 1 && !agent_here
                                                     : node.name == settings.default_node;
    if (meant && !node.addresses.empty()) {
      return &node;
    }
  }
  return nullptr;
}

Result<std::unique_ptr<Route>> to_node(dsl::env::Env& env, const Settings& settings,
                                       const RouteFlags& flags, const NodeSettings& node) {
  if (node.addresses.empty()) {
    return fail(Code::kInvalidArgument, "node {} has no addresses in {}", node.name, settings.file)
        .hint(node.ssh.empty()
                  ? text("add addresses = [\"192.0.2.7:9444\"] to it, or ssh = \"user@host\"")
                  : text("add addresses = [\"192.0.2.7:9444\"] to it, or use --via ssh"));
  }
  return network_route(
      env, {.node = node,
            .token_file = settings.token_file,
            // An address that was given once says nothing about the others.
            .memory_file =
                flags.address.empty() ? settings.state_dir + "/last-address/" + node.name : "",
            .tell = flags.tell});
}

// With --node its certificate and name are expected there; alone, the address itself is.
Result<std::unique_ptr<Route>> to_address(dsl::env::Env& env, const Settings& settings,
                                          const RouteFlags& flags) {
  NodeSettings node;
  if (!flags.node.empty() || !settings.default_node.empty()) {
    MC_ASSIGN(node, chosen_node(settings, flags.node));
  } else if (settings.nodes.size() == 1) {
    node = settings.nodes.front();
  }
  node.addresses = {flags.address};
  return to_node(env, settings, flags, node);
}

}  // namespace

Result<std::unique_ptr<Route>> open_route(dsl::env::Env& env, const Settings& settings,
                                          const RouteFlags& flags) {
  if (flags.via == "ssh") {
    MC_ASSIGN(const NodeSettings node, chosen_node(settings, flags.node));
    return ssh_route(env, node);
  }
  if (!flags.address.empty()) {
    return to_address(env, settings, flags);
  }
  if (!flags.node.empty()) {
    MC_ASSIGN(const NodeSettings node, find_node(settings, flags.node));
    return to_node(env, settings, flags, node);
  }
  const NodeSettings* node = settings.socket_given ? nullptr : implied_node(env, settings);
  return node != nullptr ? to_node(env, settings, flags, *node)
                         : Result<std::unique_ptr<Route>>(local_route(env, settings.socket));
}

}  // namespace mcp::cli
