// What follows for a container from its sockets.
#include "mcp/model/model.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

// Known to dsl::service, which looks for them at each start (docs/formats/sockets.md).
constexpr const char* kVariable = "MC_SOCKETS";
constexpr const char* kInside = "/run/mc/sockets";

}  // namespace

std::vector<Port> host_addresses(const Component& component) {
  std::vector<Port> ports = component.ports;
  for (const Socket& socket : component.sockets) {
    ports.push_back(as_port(socket));
  }
  return ports;
}

std::vector<Volume> socket_mounts(const Component& component) {
  if (component.sockets.empty()) {
    return {};
  }
  return {{component.sockets_dir, kInside, {"ro"}}};
}

std::vector<std::pair<std::string, std::string>> socket_environment(const Component& component) {
  if (component.sockets.empty()) {
    return {};
  }
  return {{kVariable, kInside}};
}

std::string sockets_directory(const Platform& platform, std::string_view service,
                              std::string_view component) {
  return normal_path(dsl::text("{}/mcp/sockets/{}/{}", platform.data_root, service, component));
}

}  // namespace mcp::model
