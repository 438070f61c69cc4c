// Ports that the services want.
#include "mcp/agent/doctor_checks.h"
#include "mcp/agent/port_probe.h"
#include "mcp/runtime/proc.h"

namespace mcp::agent {

using dsl::text;

namespace {

constexpr const char* kPortStart = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
constexpr const char* kSysctlFile = "/etc/sysctl.d/60-mcp-ports.conf";

std::vector<PortRecord> wanted_ports(const DoctorContext& context) {
  if (context.registry == nullptr) {
    return {};
  }
  return context.registry->ports().value_or(std::vector<PortRecord>{});
}

bool is_any(const std::string& ip) { return ip.empty() || ip == "0.0.0.0" || ip == "::"; }

// A listener on every address collides with one on any of them, and the other way round.
bool collides(const runtime::Listener& listener, const PortRecord& port) {
  return listener.port == port.port && listener.protocol == port.protocol &&
         (is_any(listener.ip) || is_any(port.host_ip) || listener.ip == port.host_ip);
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
  const std::string setting = text("net.ipv4.ip_unprivileged_port_start={}", lowest);
  DoctorFinding finding =
      bad("fail", text("{} wants port {}, unprivileged ports begin at {}", owner, lowest, start),
          "the container is created but cannot start",
          text("sysctl -w {} (as root), and the same line in {}", setting, kSysctlFile));
  finding.repairs = {
      {.argv = {"sysctl", "-w", setting}, .needs_root = true},
      {.argv = {"sh", "-c", text("echo {} > {}", setting, kSysctlFile)}, .needs_root = true}};
  return finding;
}

DoctorFinding check_port53(const DoctorContext& context) {
  const std::vector<runtime::Listener> listeners = runtime::Proc(context.env.files()).listeners();
  std::vector<std::string> held;
  bool wanted = false;
  for (const PortRecord& port : wanted_ports(context)) {
    if (port.port != 53) {
      continue;
    }
    wanted = true;
    for (const runtime::Listener& listener : listeners) {
      if (!collides(listener, port)) {
        continue;
      }
      const std::string holder = port_holder(listener.ip, 53, port.protocol);
      // A forwarder of ours, a socket that the agent has made, or whatever of ours cannot be named.
      const bool ours =
          listener.uid == context.uid &&
          (!port.socket.empty() || holder.empty() || holder.starts_with("rootlessport") ||
           holder.starts_with("exe ") || holder.starts_with("slirp4netns"));
      if (!ours) {
        held.push_back(text("{}:53/{} by {}", listener.ip, port.protocol,
                            holder.empty() ? text("a process of uid {}", listener.uid) : holder));
      }
    }
  }
  if (!wanted) {
    return skipped("no service wants port 53");
  }
  if (held.empty()) {
    return good("port 53 is free or ours on every wanted address");
  }
  return bad("fail", text("port 53 is held: {}", joined(held)), "the name service cannot start",
             "name specific addresses in `sockets` (udp:@lan:53) or `ports`; the stub resolver: "
             "DNSStubListener=no in /etc/systemd/resolved.conf, then systemctl restart "
             "systemd-resolved; anything else: stop it");
}

}  // namespace mcp::agent
