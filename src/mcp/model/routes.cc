// The environment that routes give to a container and its siblings.
#include <algorithm>

#include "mcp/model/model.h"

namespace mcp::model {

namespace {

// "grpc-web" -> "GRPC_WEB"
std::string upper(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::uint16_t allocated(const std::vector<Allocation>& ports, const Component& component,
                        const Route& route) {
  const auto found = std::find_if(ports.begin(), ports.end(), [&](const Allocation& port) {
    return port.component == component.name && port.route == route.name;
  });
  return found == ports.end() ? std::uint16_t{0} : found->host_port;
}

bool bridged(const Component& component) {
  return component.network != "host" && component.network != "none" &&
         component.network != "default";
}

// How `from` reaches the listener of a sibling: on a shared network by the container's name, which
// is unique on the node; otherwise through the host port.
std::string address_of(const Component& from, const Component& sibling, const Route& route,
                       std::uint16_t host_port) {
  const std::uint16_t inside = route.target != 0 ? route.target : host_port;
  if (bridged(from) && from.network == sibling.network) {
    return dsl::text("{}:{}", sibling.container, inside);
  }
  const std::uint16_t outside = sibling.network == "host" ? inside : host_port;
  return dsl::text("{}:{}", from.network == "host" ? "127.0.0.1" : "host.containers.internal",
                   outside);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> route_environment(
    const Service& service, const Component& component, const std::vector<Allocation>& ports) {
  std::vector<std::pair<std::string, std::string>> environment;
  for (const Component& owner : service.components) {
    for (const Route& route : owner.routes) {
      const std::uint16_t host_port = allocated(ports, owner, route);
      const std::uint16_t inside = route.target != 0 ? route.target : host_port;
      if (inside == 0) {
        continue;  // not allocated yet: nothing true can be said
      }
      if (owner.name == component.name) {
        environment.emplace_back(route.name.empty() ? "PORT" : "PORT_" + upper(route.name),
                                 std::to_string(inside));
      } else {
        std::string name = "PEER_" + upper(owner.name);
        if (!route.name.empty()) {
          name += "_" + upper(route.name);
        }
        environment.emplace_back(std::move(name), address_of(component, owner, route, host_port));
      }
    }
  }
  return environment;
}

}  // namespace mcp::model
