#include "mcp/runtime/liveness.h"

#include <algorithm>

namespace mcp::runtime {

namespace {

Liveness stale(std::string reason) {
  return {.state = Liveness::State::kStale, .reason = std::move(reason)};
}

bool is_any(const std::string& ip) { return ip.empty() || ip == "0.0.0.0" || ip == "::"; }

}  // namespace

LivenessPass::LivenessPass(Proc proc, std::uint32_t uid)
    : proc_(std::move(proc)), listeners_(proc_.listeners()) {
  std::erase_if(listeners_, [&](const Listener& listener) { return listener.uid != uid; });
}

Liveness LivenessPass::check(const Container& container) const {
  if (container.state != State::kRunning) {
    return {};
  }
  const auto process = proc_.stat(container.pid);
  if (!process || !process->alive()) {
    return stale(dsl::text("process {} is gone", container.pid));
  }
  // Start times would be compared across clock jumps. This needs none: the parent of a container's
  // process is its conmon, whose command line names the container; a reused pid has no such parent.
  const auto conmon = proc_.stat(process->parent);
  if (!conmon || !conmon->alive() || conmon->name != "conmon") {
    return stale(dsl::text("conmon of process {} is gone", container.pid));
  }
  const auto arguments = proc_.cmdline(process->parent);
  if (std::find(arguments.begin(), arguments.end(), container.id) == arguments.end()) {
    return stale(dsl::text("process {} belongs to another container", container.pid));
  }

  for (const auto& range : container.ports) {
    for (std::uint16_t i = 0; i < range.count; ++i) {
      model::Port port = range;
      port.count = 1;
      port.host = static_cast<std::uint16_t>(range.host + i);
      port.container = static_cast<std::uint16_t>(range.container + i);
      if (!is_held(port)) {
        const std::string where = port.host_ip.empty() ? "*" : port.host_ip;
        return {.state = Liveness::State::kPortDead,
                .port = port,
                .reason = dsl::text("{}:{}/{} has no listener", where, port.host, port.protocol)};
      }
    }
  }
  return {};
}

bool LivenessPass::is_held(const model::Port& port) const {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const Listener& listener) {
    return listener.port == port.host && listener.protocol == port.protocol &&
           (listener.ip == port.host_ip || is_any(listener.ip));
  });
}

}  // namespace mcp::runtime
