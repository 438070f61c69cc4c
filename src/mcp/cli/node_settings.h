// The nodes that a person works on: [[nodes]] of mcp.toml.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/config/toml.h"
#include "dsl/result/result.h"

namespace mcp::cli {

using dsl::Result;

struct NodeSettings {
  std::string name;
  std::vector<std::string> addresses;  // "192.168.88.181:9444", in the order of the file
  std::string ssh;                     // what ssh is told: "root@rift", or a Host of its config
  std::string arch;
  std::string ca_cert;  // PEM file that the node's certificate is verified with
  std::map<std::string, std::string> labels;
};

// Adds what is wrong to the details of `error`, with file, line and column, and leaves such nodes
// out.
std::vector<NodeSettings> read_nodes(const std::string& file, const dsl::config::TomlValue& nodes,
                                     dsl::Error& error);

// The node of that name. kNotFound with the nearest one; `file` is where they were looked for.
Result<NodeSettings> find_node(const std::vector<NodeSettings>& nodes, std::string_view name,
                               const std::string& file);

}  // namespace mcp::cli
