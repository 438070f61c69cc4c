// Warnings that do not refuse a definition.
#include "mcp/model/model.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

bool is_loopback(const std::string& ip) { return ip.starts_with("127.") || ip == "::1"; }

class Linter {
 public:
  explicit Linter(const Service& service) : service_(service) {}

  std::vector<std::string> run() {
    for (const Component& component : service_.components) {
      const std::string name = service_.name + "/" + component.name;
      ports(name, component);
      if (component.user.empty() && !component.volumes.empty()) {
        warn("L-USER", name +
                           " runs as the image's own user, which may not read the files of its "
                           "volumes; set user = \"0:0\" (the service user on the host)");
      }
      if (component.health.type == "none" && service_.essential && service_.tier != "services") {
        warn("L-GATE", name +
                           " has no gate, so its stage goes on three seconds after its start; "
                           "write [components.health]");
      }
      if (component.restart == "no" && service_.active) {
        warn("L-RESTART", name + " is not restarted when it ends (restart = \"no\")");
      }
    }
    return std::move(warnings_);
  }

 private:
  void warn(std::string_view id, const std::string& message) {
    warnings_.push_back(dsl::text("{}: {}", id, message));
  }

  void ports(const std::string& name, const Component& component) {
    for (const Port& port : component.ports) {
      const std::string shown = format_port(port);
      if (!is_loopback(port.host_ip)) {
        warn("L-SRCIP",
             dsl::text("{} publishes {} through a rootless bridge, which hides the client's "
                       "address; what filters or logs by client needs [[components.sockets]], or "
                       "network = \"host\" with explicit listen addresses",
                       name, shown));
      }
      host_address(name + " publishes", shown, port);
    }
    for (const Socket& socket : component.sockets) {
      host_address(name + " has a socket", format_listen(socket), as_port(socket));
    }
  }

  // What holds for either of them: the agent has no more rights than podman's forwarder.
  void host_address(const std::string& who, const std::string& shown, const Port& port) {
    const bool every = port.host_ip.empty() || port.host_ip == "0.0.0.0" || port.host_ip == "::";
    if (every && port.container == 53) {
      warn("L-PORT53", dsl::text("{} {} on every address, which collides with a stub "
                                 "resolver on localhost; name addresses (@lan, @overlay)",
                                 who, shown));
    }
    if (port.host < 1024) {
      warn("L-PRIV", dsl::text("{} {}: the host must allow it by "
                               "net.ipv4.ip_unprivileged_port_start",
                               who, shown));
    }
  }

  const Service& service_;
  std::vector<std::string> warnings_;
};

}  // namespace

std::vector<std::string> lint(const Service& service) { return Linter(service).run(); }

}  // namespace mcp::model
