// Where the tool finds the agent and the definitions.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/cli/node_settings.h"

namespace mcp::cli {

// From the command line; empty = not given.
struct SettingsFlags {
  std::string config;
  std::string socket;
  std::string services_dir;
};

struct Settings {
  std::string socket;         // the agent's, on this machine
  bool socket_given = false;  // by flag or variable: then no other way is looked for
  std::string services_dir;   // <service>.toml, one a service
  std::string registry;       // of images; empty = the platform's own. For work without an agent
  std::string default_node;   // likewise; also the node that --via means
  std::vector<NodeSettings> nodes;
  std::string token_file;  // what signs us in at nodes; mode 0600
  std::string state_dir;   // what the program remembers: ~/.local/state/mcp
  std::string data_dir;    // copies that it keeps: ~/.local/share/mcp
  std::string file;        // where it looked, for errors
};

// A flag wins over $MCP_CONFIG, $MCP_SOCKET, $MCP_SERVICES_DIR and $MCP_TOKEN_FILE, those over the
// [mcp] section of the file (~/.config/mcp/mcp.toml), and that over the defaults: services beside
// the file, and the socket /srv/mcp/admin.sock if there is one, else the user's own in
// $XDG_RUNTIME_DIR/mcp/. A file that was not asked for may be missing. kInvalidArgument lists all
// that is wrong with the file.
Result<Settings> load_settings(dsl::env::Env& env, const SettingsFlags& flags);

Result<NodeSettings> find_node(const Settings& settings, const std::string& name);

}  // namespace mcp::cli
