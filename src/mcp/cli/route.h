// How an agent is reached: the one place that makes a channel to a node.
#pragma once

#include <functional>
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
  std::string node;     // of [[nodes]]; empty = default_node, else the only one
  std::string via;      // "ssh"; empty = the network or the local socket
  std::string address;  // this address instead of those of the node
  // Gets a line about each address that was tried; absent = nobody wants to know.
  std::function<void(std::string_view)> tell = nullptr;
};

// The node that `name` says; an empty one is default_node, else the only node. kNotFound, and
// kInvalidArgument when it is not said which.
Result<NodeSettings> chosen_node(const Settings& settings, const std::string& name);

// The way that was asked for: the node that was named, over the network or through ssh; the socket
// that was named; the default node if it has addresses; else the agent of this machine, and where
// there is none, the only node of the settings.
//
// The local socket is not touched before a method is called. A node is dialled now; `--via ssh`
// starts ssh, which may ask for a passphrase on the terminal. kInvalidArgument when the settings do
// not know the node, or do not say how to reach it.
Result<std::unique_ptr<Route>> open_route(dsl::env::Env& env, const Settings& settings,
                                          const RouteFlags& flags);

// The ways themselves.
std::unique_ptr<Route> local_route(dsl::env::Env& env, const std::string& socket);
Result<std::unique_ptr<Route>> ssh_route(dsl::env::Env& env, const NodeSettings& node);

struct NetworkTarget {
  NodeSettings node;        // an empty name: whatever node answers at its address
  std::string token_file;   // read at each call; must be for its owner only
  std::string memory_file;  // which address answered last; empty = not to be remembered
  std::function<void(std::string_view)> tell;
};
Result<std::unique_ptr<Route>> network_route(dsl::env::Env& env, const NetworkTarget& target);

}  // namespace mcp::cli
