// The runbook of a node: how to bring every service back by hand, with podman alone. Pure: made
// from what the registry records and from facts of the node; the same input gives the same bytes.
//
// Values of `env` and `cmd` are in it, as they are in the definition; secrets are by name only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mcp/model/document.h"
#include "mcp/model/service.h"

namespace mcp::model {

struct RunbookNode {
  std::string name;
  std::map<std::string, std::string> addresses;
  std::string user;  // who runs the containers
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;
  std::string runtime_dir;
  std::string graph_root;
  std::string subuid;  // the user's line of /etc/subuid; empty = none
  std::string subgid;
  std::string registry_path;
  std::string specs_dir;
  std::vector<std::string> image_dirs;
  std::string ca_file;  // platform CA; empty = certificates are not verified
  std::string service_zone;
  std::string podman_version;
  std::string agent_version;
};

// One container, with the addresses that its gate asks.
struct RunbookStep {
  std::string stage;
  Service service;
  std::string component;
  std::vector<Allocation> ports;
  std::vector<std::pair<std::string, std::uint16_t>> endpoints;
  bool runs = true;  // false: stopped on purpose, or inactive
  std::int64_t generation = 0;
  std::string sha256;  // of the service's specification
};

struct Runbook {
  RunbookNode node;
  std::vector<RunbookStep> steps;  // in the order of starting
  std::string as_of;               // RFC 3339: the last change of the registry
};

Document make_runbook(const Runbook& runbook);

// The verification of one gate as lines of bash: they wait until it passes or its deadline is over,
// and end with 0 only if it passed. Third-party tools only: dig, curl, bash, podman.
std::string gate_commands(const RunbookNode& node, const RunbookStep& step);

}  // namespace mcp::model
