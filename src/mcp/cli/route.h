// How an agent is reached: the one place that makes a channel to a node.
#pragma once

#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "dsl/rpc/client.h"
#include "mcp/cli/settings.h"

namespace mcp::cli {

// A way to one agent. Thread-safe.
class Route {
 public:
  virtual ~Route() = default;

  virtual dsl::rpc::Channel& channel() = 0;
  // An error of the transport becomes one about this way, with the next step; what the agent itself
  // said passes.
  virtual dsl::Error explained(dsl::Error error) = 0;
};

// From the command line; empty = not given.
struct RouteFlags {
  std::string node;  // of [[nodes]]; empty = default_node, else the only one
  std::string via;   // "ssh"; empty = the local socket
};

// The way that was asked for. No byte is sent before a method is called, but `--via ssh` starts
// ssh, which may ask for a passphrase on the terminal. kInvalidArgument when the settings do not
// know the node, or do not say how to reach it.
Result<std::unique_ptr<Route>> open_route(dsl::env::Env& env, const Settings& settings,
                                          const RouteFlags& flags);

// The ways themselves.
std::unique_ptr<Route> local_route(dsl::env::Env& env, const std::string& socket);
Result<std::unique_ptr<Route>> ssh_route(dsl::env::Env& env, const NodeSettings& node);

}  // namespace mcp::cli
