// Whether the node's addresses are there, and whether the host's firewall lets anybody reach them.
#include <algorithm>

#include <boost/json.hpp>

#include "mcp/agent/doctor_checks.h"
#include "mcp/agent/firewall.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::text;

namespace {

constexpr std::chrono::milliseconds kToolPatience{5000};

// Address -> is its interface up, of `ip -json address show`.
Result<std::map<std::string, bool>> addresses_here(const DoctorContext& context) {
  MC_ASSIGN(
      const dsl::env::Output out,
      context.env.processes().run({.argv = {"ip", "-json", "address", "show"}}, kToolPatience));
  boost::system::error_code error;
  const json::value document = json::parse(out.out, error);
  if (out.exit_code != 0 || error || !document.is_array()) {
    return dsl::fail(dsl::Code::kUnavailable, "ip address show says: {}", out.err);
  }
  std::map<std::string, bool> found;
  for (const json::value& each : document.get_array()) {
    if (!each.is_object()) {
      continue;
    }
    const json::value* flags = each.get_object().if_contains("flags");
    const json::value* infos = each.get_object().if_contains("addr_info");
    if (flags == nullptr || !flags->is_array() || infos == nullptr || !infos->is_array()) {
      continue;
    }
    const bool up = std::any_of(
        flags->get_array().begin(), flags->get_array().end(),
        [](const json::value& flag) { return flag.is_string() && flag.get_string() == "UP"; });
    for (const json::value& info : infos->get_array()) {
      const json::value* local =
          info.is_object() ? info.get_object().if_contains("local") : nullptr;
      if (local != nullptr && local->is_string()) {
        found[std::string(local->get_string())] = up;
      }
    }
  }
  return found;
}

std::string bring_up(const std::string& label, const std::string& address) {
  if (label == "overlay") {
    return text(
        "bring the overlay up as root (tailscale up; wg-quick up NAME), or set "
        "node.addresses.overlay to the address that it has now; until then mcp --via ssh, "
        "or another address of the node, leads in");
  }
  return text(
      "ip address show tells what is there; bring the interface with {} up (as root), or "
      "correct node.addresses.{}",
      address, label);
}

std::uint16_t port_of(const std::string& address) {
  return static_cast<std::uint16_t>(
      std::strtoul(address.substr(address.rfind(':') + 1).c_str(), nullptr, 10));
}

// Everything that somebody elsewhere is to reach.
std::vector<WantedPort> wanted_from_outside(const DoctorContext& context) {
  std::vector<WantedPort> wanted;
  const auto add = [&](const std::string& ip, std::uint16_t port, const std::string& protocol,
                       const std::string& owner) {
    const bool known = std::any_of(wanted.begin(), wanted.end(), [&](const WantedPort& other) {
      return other.ip == ip && other.port == port && other.protocol == protocol;
    });
    if (port != 0 && !is_loopback(ip) && !known) {
      wanted.push_back({ip, port, protocol, owner});
    }
  };
  if (!context.config.face.tls_cert.empty()) {
    for (const std::string& address :
         {context.config.face.grpc_addr, context.config.face.rest_addr}) {
      if (!address.empty()) {
        add(address.substr(0, address.rfind(':')), port_of(address), "tcp", "the agent");
      }
    }
  }
  for (const ServiceRecord& record : registered(context)) {
    for (const model::Component& component : record.service.components) {
      const std::string owner = text("{}/{}", record.service.name, component.name);
      for (const model::Port& port : model::host_addresses(component)) {
        for (int i = 0; i < port.count; ++i) {
          add(port.host_ip == "0.0.0.0" ? "" : port.host_ip,
              static_cast<std::uint16_t>(port.host + i), port.protocol, owner);
        }
      }
      if (component.network == "host") {
        add("", component.health.port, "tcp", owner);
        for (const model::Route& route : component.routes) {
          add("", route.target, "tcp", owner);
        }
      }
    }
  }
  return wanted;
}

std::string show(const WantedPort& port) {
  return text("{}:{}/{} of {}", port.ip.empty() ? "*" : port.ip, port.port, port.protocol,
              port.owner);
}

// The rules of one tool; nothing when it is not installed, an error when they cannot be read.
Result<std::optional<Firewall>> rules_by(const DoctorContext& context, const std::string& program,
                                         const std::vector<std::string>& arguments) {
  const std::string path = find_program(context.env, program);
  if (path.empty()) {
    return std::optional<Firewall>();
  }
  std::vector<std::string> argv = {path};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  MC_ASSIGN(const dsl::env::Output out, context.env.processes().run({.argv = argv}, kToolPatience));
  if (out.exit_code != 0) {
    return dsl::fail(dsl::Code::kPermissionDenied, "{} says: {}", program,
                     out.err.substr(0, out.err.find('\n')));
  }
  if (program == "iptables") {
    return std::optional<Firewall>(Firewall::from_iptables(out.out));
  }
  MC_ASSIGN(Firewall rules, Firewall::from_nft(out.out));
  return std::optional<Firewall>(std::move(rules));
}

}  // namespace

DoctorFinding check_overlay(const DoctorContext& context) {
  const Result<std::map<std::string, bool>> here = addresses_here(context);
  if (!here) {
    return skipped(here.error().message());
  }
  std::vector<std::string> shown;
  for (const auto& [label, address] : context.config.node_addresses) {
    const auto found = here->find(address);
    // All of 127/8 is the loopback interface's, though it names one address.
    const bool loopback_up = is_loopback(address) && here->contains("127.0.0.1");
    if (!loopback_up && (found == here->end() || !found->second)) {
      return bad("fail",
                 found == here->end()
                     ? text("{} ({}) is on no interface", address, label)
                     : text("{} ({}) is on an interface that is down", address, label),
                 "whoever dials the node there sees \"error\", and ports published on it cannot be "
                 "bound; what runs goes on",
                 bring_up(label, address));
    }
    shown.push_back(text("{} {}", label, address));
  }
  return shown.empty() ? skipped("[node] addresses is empty") : good(text("up: {}", joined(shown)));
}

DoctorFinding check_firewall(const DoctorContext& context) {
  const std::vector<WantedPort> wanted = wanted_from_outside(context);
  if (wanted.empty()) {
    return skipped("nothing is to be reached from outside");
  }
  std::vector<Firewall> all;
  std::string refused;
  for (const auto& [program, arguments] :
       {std::pair<std::string, std::vector<std::string>>{"nft", {"-j", "list", "ruleset"}},
        {"iptables", {"-S"}}}) {
    Result<std::optional<Firewall>> rules = rules_by(context, program, arguments);
    if (!rules) {
      refused = rules.error().message();
    } else if (*rules) {
      all.push_back(std::move(**rules));
    }
  }
  if (all.empty()) {
    return skipped(refused.empty()
                       ? "neither nft nor iptables is installed"
                       : text("the rules are for root to read ({}): mcp-agent doctor firewall, as "
                              "root",
                              refused));
  }
  for (const Firewall& rules : all) {
    const std::vector<WantedPort> dropped = rules.dropped(wanted);
    if (dropped.empty()) {
      continue;
    }
    std::vector<std::string> shown;
    std::vector<std::string> commands;
    for (const WantedPort& port : dropped) {
      shown.push_back(show(port));
      const std::string command = rules.command_for(port);
      if (std::find(commands.begin(), commands.end(), command) == commands.end()) {
        commands.push_back(command);
      }
    }
    std::string fix;
    for (const std::string& command : commands) {
      fix += (fix.empty() ? "" : " && ") + command;
    }
    return bad("fail", text("the firewall drops {}", joined(shown)),
               "they answer on this machine and nowhere else",
               text("{} (as root; keep it in the firewall's own configuration)", fix));
  }
  return good(text("{} ports are let in", wanted.size()));
}

}  // namespace mcp::agent
