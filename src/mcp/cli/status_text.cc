#include "mcp/cli/status_text.h"

#include <algorithm>
#include <vector>

#include "mcp/cli/format.h"
#include "mcp/cli/tables.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Globals;
using dsl::cli::Paint;

namespace {

constexpr std::size_t kLabelWidth = 12;

std::string row(std::string_view label, std::string_view value) {
  std::string out(label);
  out.resize(std::max(kLabelWidth, label.size() + 1), ' ');
  return out + std::string(value) + "\n";
}

std::string heading(const Globals& globals, std::string_view title) {
  return "\n" + paint(globals, Paint::kBold, title) + "\n";
}

std::string addresses_of(const pb::Node& node) {
  std::vector<std::string> sorted;
  for (const auto& [label, address] : node.addresses()) {
    sorted.push_back(text("{} {}", label, address));
  }
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (const std::string& one : sorted) {
    out += (out.empty() ? "" : ", ") + one;
  }
  return out.empty() ? "none configured" : out;
}

std::string boot_text(const Globals& globals, const pb::BootRun& run) {
  if (run.id() == 0) {
    return "no boot run yet";
  }
  const auto healthy = std::count_if(run.items().begin(), run.items().end(),
                                     [](const auto& item) { return item.state() == "healthy"; });
  std::string out = text("run {} ({}) {}, {}/{} healthy", run.id(), run.reason(),
                         painted_state(globals, run.state()), healthy, run.items_size());
  if (run.state() == "running" || run.state() == "holding") {
    out += text(", at stage {}", run.stage());
  }
  return out;
}

std::string runtime_text(const Globals& globals, const pb::AgentStatus& status) {
  if (!status.runtime_error().empty()) {
    return text("{}: {}", paint(globals, Paint::kBad, "unreachable"), status.runtime_error());
  }
  return status.runtime_mode().empty()
             ? status.node().runtime()
             : text("{} ({})", status.node().runtime(), status.runtime_mode());
}

std::string registry_text(const Globals& globals, const pb::AgentStatus& status) {
  const std::string& state = status.node().registry_state();
  return paint(globals, state == "ready" ? Paint::kGood : Paint::kBad, state);
}

bool needs_attention(const pb::ContainerState& container) {
  return container.drift_size() > 0 || !is_calm(container.observed()) ||
         (container.desired() == "running" && container.observed() == "stopped");
}

std::string drift_text(const pb::ContainerState& container) {
  std::string out = text("{} (registry -> live)\n", container.container());
  for (const pb::Difference& difference : container.drift()) {
    out += text("  {}: {} -> {}\n", difference.field(),
                difference.want().empty() ? "(nothing)" : difference.want(),
                difference.have().empty() ? "(nothing)" : difference.have());
  }
  return out;
}

// What to type next, most urgent first.
std::vector<std::string> next_steps(const pb::AgentStatus& status,
                                    const pb::ListContainersReply& containers) {
  std::vector<std::string> steps;
  if (!status.runtime_error().empty()) {
    steps.emplace_back("mcp doctor                 why podman does not answer");
  }
  if (status.node().registry_state() == "uninitialized") {
    steps.emplace_back("mcp deploy SERVICE --init  a new node: the first service");
    steps.emplace_back("mcp sync --init            a node that had services: register them again");
    return steps;
  }
  if (status.boot().state() == "holding") {
    steps.emplace_back("mcp boot status            what the boot run waits for");
  }
  bool gone = false;
  for (const pb::ContainerState& container : containers.containers()) {
    gone = gone || (container.desired() == "running" &&
                    (container.observed() == "missing" || container.observed() == "stale" ||
                     container.observed() == "port-dead"));
  }
  if (gone) {
    steps.emplace_back("mcp agent recover          bring back what is missing");
  }
  for (const pb::ContainerState& container : containers.containers()) {
    if (needs_attention(container) && !container.service().empty()) {
      std::string step = text("mcp status {}", container.service());
      step.resize(std::max<std::size_t>(step.size() + 2, 27), ' ');
      step += "what is wrong with it";
      if (std::find(steps.begin(), steps.end(), step) == steps.end()) {
        steps.push_back(std::move(step));
      }
    }
  }
  constexpr std::size_t kStepsMax = 6;
  steps.resize(std::min(steps.size(), kStepsMax));
  return steps;
}

std::string attention_text(const Globals& globals, const pb::ListContainersReply& containers) {
  std::string out;
  for (const pb::ContainerState& container : containers.containers()) {
    if (!needs_attention(container)) {
      continue;
    }
    std::string why = container.note();
    for (const pb::Difference& difference : container.drift()) {
      why += (why.empty() ? "drift: " : ", drift: ") + difference.field();
    }
    out += text("  {}: {}{}\n", container.container(), painted_state(globals, container.observed()),
                why.empty() ? "" : " - " + why);
  }
  return out;
}

std::string operations_text(const pb::AgentStatus& status, std::int64_t now_ms) {
  std::string out;
  for (const pb::Operation& operation : status.open_operations()) {
    out += text("  {} {} of {}, step {}, for {} by {}\n", operation.id(), operation.kind(),
                operation.service().empty() ? "the node" : operation.service(),
                operation.step().empty() ? "-" : operation.step(),
                age_text(operation.started_ms(), now_ms), operation.actor());
  }
  return out;
}

}  // namespace

std::string service_page(const Globals& globals, const pb::ServiceDetail& detail,
                         std::int64_t now_ms) {
  const pb::ServiceSummary& summary = detail.summary();
  std::string out;
  out += row("service", paint(globals, Paint::kBold, summary.name()));
  out +=
      row("state", text("{}, {}/{} healthy; desired {}", painted_state(globals, summary.observed()),
                        summary.healthy(), summary.components(), summary.desired()));
  out += row("version", summary.version().empty() ? "-" : summary.version());
  out += row("tier", summary.tier());
  out += row("generation", text("{}, {} by {}", summary.generation(),
                                time_text(summary.updated_ms()), summary.updated_by()));
  out += row("sha256", summary.sha256());

  pb::ListContainersReply containers;
  *containers.mutable_containers() = detail.containers();
  out += heading(globals, "Containers") + containers_table(globals, containers, now_ms);
  for (const pb::ContainerState& container : detail.containers()) {
    if (!container.note().empty()) {
      out += text("{}: {}\n", container.container(), container.note());
    }
  }
  std::string drift;
  for (const pb::ContainerState& container : detail.containers()) {
    drift += container.drift_size() > 0 ? drift_text(container) : std::string();
  }
  if (!drift.empty()) {
    out += heading(globals, "Drift") + drift +
           text("`mcp deploy {}` makes them equal again\n", summary.name());
  }
  if (detail.ports_size() > 0) {
    pb::ListPortsReply ports;
    *ports.mutable_ports() = detail.ports();
    out += heading(globals, "Ports") + ports_table(globals, ports);
  }
  if (detail.events_size() > 0) {
    out += heading(globals, "Last events") +
           event_lines(globals, {detail.events().begin(), detail.events().end()});
  }
  return out;
}

std::string node_page(const Globals& globals, const pb::AgentStatus& status,
                      const pb::ListContainersReply& containers, std::int64_t now_ms) {
  std::string out;
  out += row("node", paint(globals, Paint::kBold, status.node().name()));
  out += row("agent", text("{}, up {}", status.node().agent_version(),
                           age_text(status.started_ms(), now_ms)));
  out += row("runtime", runtime_text(globals, status));
  out += row("registry", registry_text(globals, status));
  out += row("services",
             text("{}, {}/{} containers healthy, {} drifted", status.services(),
                  status.containers_healthy(), status.containers_wanted(), status.drifted()));
  out += row("boot", boot_text(globals, status.boot()));
  if (const std::string attention = attention_text(globals, containers); !attention.empty()) {
    out += heading(globals, "Needs attention") + attention;
  }
  if (const std::string running = operations_text(status, now_ms); !running.empty()) {
    out += heading(globals, "Operations") + running;
  }
  if (const auto steps = next_steps(status, containers); !steps.empty()) {
    out += heading(globals, "Next");
    for (const std::string& step : steps) {
      out += "  " + step + "\n";
    }
  }
  return out;
}

namespace {

// The whole, then each mirror.
std::string replica_rows(const Globals& globals, const pb::AgentStatus& status,
                         std::int64_t now_ms) {
  if (!status.has_replica()) {
    return row("replica",
               paint(globals, Paint::kWarn, "none: name a directory in replica.mirrors"));
  }
  const pb::Replica& replica = status.replica();
  std::string out =
      row("replica", replica.following()
                         ? paint(globals, Paint::kGood, "following") + ", epoch " + replica.epoch()
                         : paint(globals, Paint::kBad, "standing still") + ": " + replica.reason());
  for (const pb::ReplicaMirror& mirror : replica.mirrors()) {
    const bool good = mirror.state() == "following" && mirror.sync() == mirror.sync_active();
    std::string line =
        mirror.place() + ": " + paint(globals, good ? Paint::kGood : Paint::kBad, mirror.state());
    if (mirror.sync()) {
      line += mirror.sync_active() ? ", sync" : ", sync is suspended";
    }
    if (mirror.lag_bytes() > 0) {
      line += text(", {} bytes behind", mirror.lag_bytes());
    }
    if (mirror.stored_until_ms() > 0) {
      line += text(", last commit {} ago", age_text(mirror.stored_until_ms(), now_ms));
    }
    out += row("", line + (mirror.error().empty() ? "" : " (" + mirror.error() + ")"));
  }
  return out;
}

std::string backup_rows(const Globals& globals, const pb::AgentStatus& status,
                        std::int64_t now_ms) {
  if (!status.has_backup()) {
    return row("backup", paint(globals, Paint::kWarn, "none: name a target in backup.targets"));
  }
  const pb::Backup& backup = status.backup();
  std::string out =
      row("backup", text("{} points{}", backup.points(),
                         backup.last_ms() == 0 ? ""
                                               : text(", the last whole one {} ago",
                                                      age_text(backup.last_ms(), now_ms))));
  if (!backup.alert().empty()) {
    out += row("", paint(globals, Paint::kBad, "ALERT") + ": " + backup.alert());
  }
  return out;
}

}  // namespace

std::string agent_page(const Globals& globals, const pb::AgentStatus& status, std::int64_t now_ms) {
  const pb::Node& node = status.node();
  std::string out;
  out += row("node", paint(globals, Paint::kBold, node.name()));
  out += row("addresses", addresses_of(node));
  out += row("version", node.agent_version());
  out += row("process", text("{}, uid {}, gid {}, up {}", status.pid(), node.uid(), node.gid(),
                             age_text(status.started_ms(), now_ms)));
  out += row("runtime", runtime_text(globals, status));
  out += row("registry", text("{}, {} (schema {})", registry_text(globals, status),
                              status.registry_path(), status.schema_version()));
  out += replica_rows(globals, status, now_ms);
  out += backup_rows(globals, status, now_ms);
  out += row("boot id", node.boot_id());
  out += row("boot", boot_text(globals, status.boot()));
  out += row("images", node.platform().registry());
  out += row("zone", node.platform().service_zone());
  out += row("data", node.platform().data_root());
  if (node.platform().port_offset() > 0) {
    out += row("port offset", text("{}", node.platform().port_offset()));
  }
  return out;
}

}  // namespace mcp::cli
