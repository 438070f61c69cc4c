#include "mcp/agent/ports.h"

#include <algorithm>
#include <set>

#include "mcp/agent/port_probe.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;

namespace {

constexpr int kTries = 2000;

bool overlap(const std::string& a, const std::string& b) {
  const auto any = [](const std::string& ip) { return ip.empty() || ip == "0.0.0.0"; };
  return any(a) || any(b) || a == b;
}

bool belongs_to(const PortRecord& port, const std::string& service) {
  return port.owner.starts_with(service + "/");
}

}  // namespace

Result<std::vector<model::Allocation>> allocate_ports(dsl::env::Env& env, const Config& config,
                                                      const model::Service& service,
                                                      const std::vector<model::Allocation>& former,
                                                      const std::vector<PortRecord>& taken) {
  std::set<std::uint16_t> used;
  for (const PortRecord& port : taken) {
    used.insert(port.port);
  }
  std::vector<model::Allocation> out;
  for (const model::Component& component : service.components) {
    for (const model::Route& route : component.routes) {
      const auto kept = std::find_if(former.begin(), former.end(), [&](const auto& allocated) {
        return allocated.component == component.name && allocated.route == route.name;
      });
      if (kept != former.end()) {
        out.push_back(*kept);
        continue;
      }
      const auto range = static_cast<std::uint64_t>(config.port_max - config.port_min + 1);
      std::uint16_t found = 0;
      for (int i = 0; i < kTries && found == 0; ++i) {
        const auto port = static_cast<std::uint16_t>(static_cast<std::uint64_t>(config.port_min) +
                                                     env.random().below(range));
        if (!used.contains(port) && port_is_free("127.0.0.1", port, "tcp")) {
          found = port;
        }
      }
      if (found == 0) {
        return fail(Code::kNoSpace, "no free port between {} and {}", config.port_min,
                    config.port_max)
            .id(model::code::kPortsExhausted)
            .hint("widen agent.port_min and agent.port_max; mcp ports shows the owners");
      }
      used.insert(found);
      out.push_back({.component = component.name, .route = route.name, .host_port = found});
    }
  }
  return out;
}

Result<void> check_fixed_ports(const model::Service& service,
                               const std::vector<PortRecord>& taken) {
  for (const model::Component& component : service.components) {
    for (const model::Port& port : model::host_addresses(component)) {
      for (const PortRecord& other : taken) {
        const bool same_number = other.port >= port.host && other.port < port.host + port.count;
        if (!belongs_to(other, service.name) && same_number && other.protocol == port.protocol &&
            overlap(other.host_ip, port.host_ip)) {
          return fail(Code::kConflict, "port {}:{}/{} belongs to {}",
                      port.host_ip.empty() ? "*" : port.host_ip, other.port, port.protocol,
                      other.owner)
              .id(model::code::kPortTaken)
              .hint("choose another host port, or undeploy the owner");
        }
      }
    }
  }
  return {};
}

}  // namespace mcp::agent
