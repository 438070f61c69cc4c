// A service as `podman run` lines.
#include <algorithm>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "mcp/model/render.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

// Components so that each comes after those it names in `after`; otherwise as written.
std::vector<const Component*> start_order(const Service& service) {
  std::vector<const Component*> order;
  std::set<std::string> placed;
  while (order.size() < service.components.size()) {
    const std::size_t before = order.size();
    for (const Component& component : service.components) {
      const bool ready = std::all_of(
          component.after.begin(), component.after.end(),
          [&](const auto& name) { return placed.contains(name) || service.find(name) == nullptr; });
      if (ready && placed.insert(component.name).second) {
        order.push_back(&component);
      }
    }
    if (order.size() == before) {  // a cycle, which resolve refuses: as written then
      for (const Component& component : service.components) {
        if (placed.insert(component.name).second) {
          order.push_back(&component);
        }
      }
      break;
    }
  }
  return order;
}

// 512m; podman counts in powers of 1024.
std::string memory_text(std::uint64_t bytes) {
  for (const auto& [unit, shift] : {std::pair{"g", 30}, {"m", 20}, {"k", 10}}) {
    const std::uint64_t size = std::uint64_t{1} << shift;
    if (bytes % size == 0) {
      return std::to_string(bytes / size) + unit;
    }
  }
  return std::to_string(bytes) + "b";
}

// /tcp is said where /udp stands beside it.
std::string port_text(const Port& port, const std::vector<Port>& ports) {
  const bool beside =
      port.protocol == "tcp" && std::any_of(ports.begin(), ports.end(), [&](const Port& other) {
        return other.protocol == "udp" && other.host == port.host &&
               other.container == port.container;
      });
  return format_port(port) + (beside ? "/tcp" : "");
}

// podman takes a single word as it is, and several as a JSON array.
std::string entrypoint_text(const std::vector<std::string>& entrypoint) {
  if (entrypoint.empty()) {
    return "";
  }
  if (entrypoint.size() == 1 && !entrypoint.front().empty() && entrypoint.front().front() != '[') {
    return entrypoint.front();
  }
  boost::json::array array;
  for (const std::string& word : entrypoint) {
    array.emplace_back(word);
  }
  return boost::json::serialize(array);
}

class RunRenderer {
 public:
  RunRenderer(const Service& service, const std::vector<Allocation>& allocated)
      : service_(service), allocated_(allocated) {}

  Rendered run() {
    service_notices();
    std::string lines;
    for (const Component* component : start_order(service_)) {
      lines += line(*component) + "\n";
    }
    std::string text;
    for (const std::string& notice : notices_) {
      text += "# " + notice + "\n";
    }
    return {text + lines, std::move(notices_)};
  }

  std::string one(const Component& component) { return line(component); }

 private:
  void notice(std::string text) { notices_.push_back(std::move(text)); }

  void service_notices() {
    std::string agents;
    const auto add = [&](std::string_view key, bool differs) {
      if (differs) {
        agents += (agents.empty() ? "" : ", ") + std::string(key);
      }
    };
    const Service defaults;
    add("active", service_.active != defaults.active);
    add("tier", service_.tier != defaults.tier);
    add("depends_on", !service_.depends_on.empty());
    add("essential", service_.essential != defaults.essential);
    add("public", service_.is_public != defaults.is_public);
    add("path", service_.path != service_.name);
    add("build", !service_.build_images.empty());
    add("reconcile", service_.reconcile != defaults.reconcile);
    if (!agents.empty()) {
      notice(dsl::text("{}: podman run cannot express {}", service_.name, agents));
    }
  }

  void component_notices(const Component& component) {
    const std::string name = service_.name + "/" + component.name;
    if (component.health.type != "none") {
      notice(
          dsl::text("{}: podman run does not wait for the {} gate", name, component.health.type));
    }
    if (!component.sockets.empty()) {
      notice(name +
             ": podman run hands no sockets over: -p stands in their place, which hides clients' "
             "addresses and loses what arrives between two containers");
    }
    if (!component.after.empty()) {
      notice(name + ": `after` is only the order of these lines");
    }
    if (component.strategy != "recreate") {
      notice(dsl::text("{}: podman run cannot express strategy {}", name, component.strategy));
    }
    if (component.cmd && component.cmd->empty()) {
      notice(name + ": podman run cannot express an empty `cmd`; the image's own is used");
    }
    if (component.stop_timeout != duration_cast<seconds>(component.stop_timeout)) {
      notice(name + ": podman run takes stop_timeout in whole seconds; it is rounded up");
    }
    for (const Route& route : component.routes) {
      const std::string shown = route.name.empty() ? name : name + " " + route.name;
      notice(dsl::text(
          "{}: podman run cannot express the route of {} port {}{}", shown, route.mode, route.port,
          allocated_port(component, route) == 0 ? "; its host port is not allocated yet" : ""));
    }
  }

  std::uint16_t allocated_port(const Component& component, const Route& route) const {
    for (const Allocation& each : allocated_) {
      if (each.component == component.name && each.route == route.name) {
        return each.host_port;
      }
    }
    return 0;
  }

  void option(std::string_view name, std::string_view value) {
    line_ += ' ';
    line_ += name;
    line_ += ' ';
    line_ += quote_shell(value);
  }
  void options(std::string_view name, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      option(name, value);
    }
  }
  void text(std::string_view name, const std::string& value, std::string_view podmans_default) {
    if (value != podmans_default) {
      option(name, value);
    }
  }

  std::string line(const Component& component) {
    component_notices(component);
    line_ = "podman run -d";
    option("--name", component.container);
    text("--restart", component.restart, "no");
    // Published ports need a network, sockets do not.
    const bool needs_one = component.network == "none" && !component.sockets.empty();
    text("--network", needs_one ? "default" : component.network, "default");
    options("--network-alias", component.aliases);
    text("--user", component.user, "");
    ports(component);
    for (const Volume& volume : component.volumes) {
      option("-v", format_volume(volume));
    }
    environment(component);
    for (const auto& [key, value] : service_.labels) {
      option("--label", key + "=" + value);
    }
    isolation(component);
    if (component.entrypoint) {
      option("--entrypoint", entrypoint_text(*component.entrypoint));
    }
    line_ += " " + quote_shell(component.image);
    if (component.cmd) {
      for (const std::string& word : *component.cmd) {
        line_ += " " + quote_shell(word);
      }
    }
    return std::move(line_);
  }

  void ports(const Component& component) {
    const std::vector<Port> fixed = host_addresses(component);
    for (const Port& port : fixed) {
      option("-p", port_text(port, fixed));
    }
    for (const Route& route : component.routes) {
      const std::uint16_t host = allocated_port(component, route);
      if (host != 0 && component.network != "host" && component.network != "none") {
        option("-p", format_port({"127.0.0.1", host, route.target != 0 ? route.target : host}));
      }
    }
  }

  void environment(const Component& component) {
    for (const auto& [key, value] : component.env) {
      option("-e", key + "=" + value);
    }
    for (const auto& [key, value] : route_environment(service_, component, allocated_)) {
      option("-e", key + "=" + value);
    }
    for (const SecretUse& secret : component.secrets) {
      option("--secret", secret.env.empty()
                             ? dsl::text("{},type=mount,target={}", secret.name, secret.file)
                             : dsl::text("{},type=env,target={}", secret.name, secret.env));
    }
  }

  void isolation(const Component& component) {
    text("--workdir", component.workdir, "");
    text("--hostname", component.hostname, "");
    options("--dns", component.dns);
    options("--add-host", component.extra_hosts);
    options("--tmpfs", component.tmpfs);
    options("--device", component.devices);
    for (const auto& [key, value] : component.sysctls) {
      option("--sysctl", key + "=" + value);
    }
    options("--cap-add", component.cap_add);
    options("--cap-drop", component.cap_drop);
    if (component.read_only) {
      line_ += " --read-only";
    }
    if (component.no_new_privileges) {
      option("--security-opt", "no-new-privileges");
    }
    if (component.memory_bytes != 0) {
      option("--memory", memory_text(component.memory_bytes));
    }
    if (component.cpus != 0) {
      option("--cpus", dsl::text("{}", component.cpus));
    }
    if (component.pids != 0) {
      option("--pids-limit", std::to_string(component.pids));
    }
    if (component.stop_timeout != seconds(10)) {
      const auto whole = std::chrono::ceil<seconds>(component.stop_timeout);
      option("--stop-timeout", std::to_string(whole.count()));
    }
    text("--stop-signal", component.stop_signal, "TERM");
  }

  const Service& service_;
  const std::vector<Allocation>& allocated_;
  std::vector<std::string> notices_;
  std::string line_;
};

}  // namespace

Rendered render_run(const Service& service, const std::vector<Allocation>& allocated) {
  return RunRenderer(service, allocated).run();
}

std::string render_run_line(const Service& service, const Component& component,
                            const std::vector<Allocation>& allocated) {
  return RunRenderer(service, allocated).one(component);
}

}  // namespace mcp::model
