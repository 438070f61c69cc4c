#include "mcp/boot/gate.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "mcp/boot/probes.h"

namespace mcp::boot {

namespace {

using dsl::text;
using dsl::env::MonoTime;
using model::Allocation;
using model::Component;
using model::Health;
using model::Port;
using std::chrono::milliseconds;

constexpr milliseconds kFirstProbeAfter{50};
constexpr milliseconds kCancelCheck{100};
constexpr std::uint16_t kDnsPort = 53;
const char* const kLoopback = "127.0.0.1";

std::string probe_address(const std::string& host_ip) {
  if (host_ip.empty() || host_ip == "0.0.0.0") {
    return kLoopback;
  }
  return host_ip == "::" ? "::1" : host_ip;
}

// Where on the host the container's port `number` is, if `port` publishes it.
bool publishes(const Port& port, std::uint16_t number) {
  return number >= port.container && number < port.container + port.count;
}
Endpoint endpoint_of(const Port& port, std::uint16_t number) {
  return {probe_address(port.host_ip),
          static_cast<std::uint16_t>(port.host + (number - port.container))};
}

// The container ports that a type looks for before it takes any.
std::vector<std::uint16_t> preferred_ports(const std::string& type) {
  if (type == "https") {
    return {8443, 443};
  }
  if (type == "http") {
    return {8080, 80};
  }
  if (type == "grpc") {
    return {9443};
  }
  return {};
}

// Every address on which the container's port `number` is published, once each.
std::vector<Endpoint> published_endpoints(const Component& component, std::uint16_t number) {
  std::vector<Endpoint> endpoints;
  for (const Port& port : model::host_addresses(component)) {
    if (!publishes(port, number)) {
      continue;
    }
    const Endpoint endpoint = endpoint_of(port, number);
    const bool known = std::any_of(endpoints.begin(), endpoints.end(), [&](const Endpoint& other) {
      return other.ip == endpoint.ip && other.port == endpoint.port;
    });
    if (!known) {
      endpoints.push_back(endpoint);
    }
  }
  return endpoints;
}

// The container's port behind the host port `host_port`; nothing when none is published there.
std::optional<std::uint16_t> port_behind(const Component& component, std::uint16_t host_port) {
  for (const Port& port : model::host_addresses(component)) {
    if (host_port >= port.host && host_port < port.host + port.count) {
      return static_cast<std::uint16_t>(port.container + (host_port - port.host));
    }
  }
  return std::nullopt;
}

// The host port allocated to the route whose target is `number`; nothing when there is none.
std::optional<std::uint16_t> allocated_for(const Component& component, std::uint16_t number,
                                           const std::vector<Allocation>& allocations) {
  for (const model::Route& route : component.routes) {
    for (const Allocation& allocation : allocations) {
      if (route.target == number && allocation.component == component.name &&
          allocation.route == route.name && allocation.host_port != 0) {
        return allocation.host_port;
      }
    }
  }
  return std::nullopt;
}

std::vector<Endpoint> chosen_endpoints(const Component& component,
                                       const std::vector<Allocation>& allocations) {
  const std::uint16_t chosen = component.health.port;
  const auto number = port_behind(component, chosen);
  if (!number) {
    return {{kLoopback, allocated_for(component, chosen, allocations).value_or(chosen)}};
  }
  std::vector<Endpoint> endpoints = published_endpoints(component, *number);
  if (component.health.type != "dns") {
    std::erase_if(endpoints, [&](const Endpoint& endpoint) { return endpoint.port != chosen; });
    endpoints.resize(1);
  }
  return endpoints;
}

std::vector<Endpoint> fitting_endpoint(const Component& component,
                                       const std::vector<Allocation>& allocations) {
  const auto allocated = [&](const std::function<bool(const model::Route*)>& fits) {
    std::vector<Endpoint> found;
    for (const Allocation& allocation : allocations) {
      if (allocation.component != component.name || allocation.host_port == 0) {
        continue;
      }
      const model::Route* route = nullptr;
      for (const model::Route& candidate : component.routes) {
        route = candidate.name == allocation.route ? &candidate : route;
      }
      if (fits(route)) {
        return std::vector<Endpoint>{{kLoopback, allocation.host_port}};
      }
    }
    return found;
  };
  const auto preferred = preferred_ports(component.health.type);
  for (const std::uint16_t number : preferred) {
    for (const Port& port : model::host_addresses(component)) {
      if (port.protocol == "tcp" && publishes(port, number)) {
        return {endpoint_of(port, number)};
      }
    }
  }
  if (!preferred.empty()) {
    auto found = allocated([&](const model::Route* route) {
      return route != nullptr &&
             std::find(preferred.begin(), preferred.end(), route->target) != preferred.end();
    });
    if (!found.empty()) {
      return found;
    }
  }
  for (const Port& port : model::host_addresses(component)) {
    if (port.protocol == "tcp") {
      return {endpoint_of(port, port.container)};
    }
  }
  return allocated([](const model::Route*) { return true; });
}

Answer probe_endpoint(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint) {
  const std::string& type = gate.health.type;
  if (type == "dns") {
    return probe_dns(env, gate, endpoint);
  }
  if (type == "tcp") {
    return probe_tcp(env, gate, endpoint);
  }
  if (type == "grpc") {
    return probe_grpc(env, gate, endpoint);
  }
  return probe_http(env, gate, endpoint);
}

Answer probe_exec(const Gate& gate, const GateHooks& hooks) {
  if (gate.health.cmd.empty()) {
    return {.text = "exec: no command"};
  }
  const auto exit_code = hooks.exec(gate.health.cmd, gate.health.timeout);
  // Only the program's name: its arguments may be confidential.
  const std::string subject = text("exec {}: ", gate.health.cmd.front());
  if (!exit_code) {
    return {.text = subject + exit_code.error().message()};
  }
  return {.pass = *exit_code == 0, .text = text("{}exit {}", subject, *exit_code)};
}

// False when `cancelled` ended the sleep.
bool sleep(dsl::env::Clock& clock, MonoTime until, const std::function<bool()>& cancelled) {
  while (clock.mono_now() < until) {
    if (cancelled()) {
      return false;
    }
    clock.sleep_until(std::min(until, clock.mono_now() + kCancelCheck));
  }
  return !cancelled();
}

}  // namespace

Gate gate_for(const model::Service& service, const Component& component,
              const std::vector<Allocation>& ports, const std::string& ca_file) {
  (void)service;
  Gate gate;
  gate.health = component.health;
  gate.ca_file = ca_file;
  const Health& health = component.health;
  if (health.type == "none" || health.type == "exec") {
    return gate;
  }
  if (gate.health.host.empty()) {
    for (const model::Route& route : component.routes) {
      if (!route.hostnames.empty()) {
        gate.health.host = route.hostnames.front();
        break;
      }
    }
  }
  if (health.port != 0) {
    gate.endpoints = chosen_endpoints(component, ports);
  } else if (health.type == "dns") {
    gate.endpoints = published_endpoints(component, kDnsPort);
  } else {
    gate.endpoints = fitting_endpoint(component, ports);
  }
  return gate;
}

bool start_is_enough(const model::Health& health) {
  return health.type == "none" && health.start_period == milliseconds(0) && health.successes <= 1;
}

Answer probe(dsl::env::Env& env, const Gate& gate, const GateHooks& hooks) {
  const std::string& type = gate.health.type;
  if (type == "none") {
    const bool settled = hooks.settled();
    return {.pass = settled,
            .text = settled ? "none: running"
                            : text("none: not yet up for {} ms", gate.health.start_period.count())};
  }
  if (type == "exec") {
    return probe_exec(gate, hooks);
  }
  if (type != "dns" && type != "tcp" && type != "http" && type != "https" && type != "grpc") {
    return {.text = text("unknown gate \"{}\"", type)};
  }
  if (gate.endpoints.empty()) {
    return {.text = text("{}: no published port to probe: set health.port", type)};
  }
  Answer answer;
  for (const Endpoint& endpoint : gate.endpoints) {
    answer = probe_endpoint(env, gate, endpoint);
    if (!answer.pass) {
      break;
    }
  }
  return answer;
}

Answer wait_for(dsl::env::Env& env, const Gate& gate, const GateHooks& hooks,
                const std::function<bool()>& cancelled) {
  dsl::env::Clock& clock = env.clock();
  const MonoTime deadline = clock.mono_now() + gate.health.deadline + gate.health.start_period;
  const int wanted = std::max(gate.health.successes, 1);
  const milliseconds interval = std::max(gate.health.interval, milliseconds(1));
  // Before its start period a container without a gate cannot have settled: one look then is
  // enough.
  milliseconds pause =
      gate.health.type == "none" ? gate.health.start_period : std::min(kFirstProbeAfter, interval);
  int passes = 0;
  Answer last{.text = text("{}: cancelled before the first probe", gate.health.type)};
  while (true) {
    if (!sleep(clock, std::min(clock.mono_now() + pause, deadline), cancelled)) {
      break;
    }
    // No probe may run far beyond the deadline; the last one gets at least a moment.
    Gate bounded = gate;
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock.mono_now());
    bounded.health.timeout =
        std::clamp(left, kFirstProbeAfter, std::max(gate.health.timeout, kFirstProbeAfter));
    last = probe(env, bounded, hooks);
    passes = last.pass ? passes + 1 : 0;
    if (passes >= wanted) {
      return last;
    }
    if (clock.mono_now() >= deadline) {
      break;
    }
    pause = std::min(std::max(pause * 2, kFirstProbeAfter), interval);
  }
  if (last.pass) {
    last.text += text(" ({} of {} in a row)", passes, wanted);
    last.pass = false;
  }
  return last;
}

std::string show(const Endpoint& endpoint) {
  const bool v6 = endpoint.ip.find(':') != std::string::npos;
  return text(v6 ? "[{}]:{}" : "{}:{}", endpoint.ip, endpoint.port);
}

std::string printable(std::string_view bytes, std::size_t bytes_max) {
  std::string out(bytes.substr(0, bytes_max));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '.');
  return out;
}

}  // namespace mcp::boot
