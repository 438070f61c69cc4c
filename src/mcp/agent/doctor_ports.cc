// Ports, and the registry itself.
#include "mcp/agent/doctor_checks.h"
#include "mcp/agent/port_probe.h"

namespace mcp::agent {

using dsl::text;

namespace {

constexpr const char* kPortStart = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

std::vector<PortRecord> wanted_ports(const DoctorContext& context) {
  if (context.registry == nullptr) {
    return {};
  }
  return context.registry->ports().value_or(std::vector<PortRecord>{});
}

}  // namespace

DoctorFinding check_privileged_ports(const DoctorContext& context) {
  const std::string content = context.env.files().read_file(kPortStart).value_or("1024");
  const int start = std::atoi(content.c_str());
  int lowest = 65536;
  std::string owner;
  for (const PortRecord& port : wanted_ports(context)) {
    if (port.port < lowest) {
      lowest = port.port;
      owner = port.owner;
    }
  }
  if (context.registry != nullptr) {
    const auto services = context.registry->services();
    for (const ServiceRecord& record : services.value_or(std::vector<ServiceRecord>{})) {
      for (const model::Component& component : record.service.components) {
        const bool host = component.network == "host" && component.health.port != 0;
        if (host && component.health.port < lowest) {
          lowest = component.health.port;
          owner = text("{}/{}", record.service.name, component.name);
        }
      }
    }
  }
  if (lowest >= start || context.uid == 0) {
    return good(text("unprivileged ports begin at {}", start));
  }
  return bad("fail", text("{} wants port {}, unprivileged ports begin at {}", owner, lowest, start),
             "the container is created but cannot start",
             text("sysctl -w net.ipv4.ip_unprivileged_port_start={} (as root; keep it in "
                  "/etc/sysctl.d)",
                  lowest));
}

DoctorFinding check_port53(const DoctorContext& context) {
  std::string held;
  bool wanted = false;
  for (const PortRecord& port : wanted_ports(context)) {
    if (port.port != 53) {
      continue;
    }
    wanted = true;
    const std::string holder = port_holder(port.host_ip, port.port, port.protocol);
    const bool ours = holder.empty() || holder.starts_with("rootlessport") ||
                      holder.starts_with("exe ") || holder.starts_with("slirp4netns");
    if (!ours) {
      held += text("{}{}:53/{} by {}", held.empty() ? "" : ", ",
                   port.host_ip.empty() ? "*" : port.host_ip, port.protocol, holder);
    }
  }
  if (!wanted) {
    return skipped("no service wants port 53");
  }
  if (held.empty()) {
    return good("port 53 is free or ours on every wanted address");
  }
  return bad("fail", text("port 53 is held: {}", held), "the name service cannot start",
             "bind specific addresses in `ports` (the stub resolver holds 127.0.0.53), or stop the "
             "holder");
}

DoctorFinding check_registry(const DoctorContext& context) {
  if (context.registry == nullptr) {
    return bad("fail", text("the registry {} is not readable", context.config.database_path),
               "the agent touches no container until it is",
               "restore it from a copy beside it (mcp.db.pre-*), or from the mirror in specs/; "
               "containers keep running meanwhile");
  }
  const Result<void> sound = context.registry->database().check();
  if (!sound) {
    return bad("fail", sound.error().message(), "the registry may lose what it knows",
               "stop the agent, keep a copy of the file, and restore the last good one");
  }
  const auto services = context.registry->services();
  if (!services) {
    return bad("fail", services.error().message(), "services cannot be recovered from it",
               "restore the registry");
  }
  for (const ServiceRecord& record : *services) {
    const std::string path = text("{}/{}.json", context.config.specs_dir, record.service.name);
    const Result<std::string> mirrored = context.env.files().read_file(path);
    if (!mirrored || mirrored->find(record.sha256) == std::string::npos) {
      return bad("warn", text("the mirror of {} is not the registry's", record.service.name),
                 "a registry rebuilt from the mirror would be older",
                 "restart the agent: it writes the mirror anew");
    }
  }
  return good(text("sound; {} services, mirror equal", services->size()));
}

}  // namespace mcp::agent
