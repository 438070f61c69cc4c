#include "mcp/cli/tables.h"

#include <algorithm>

#include "mcp/cli/format.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Paint;
using dsl::cli::Table;

namespace {

// "healthy", "healthy, drift", "running (foreign)".
std::string container_state(const Globals& globals, const pb::ContainerState& container) {
  std::string out = painted_state(globals, container.observed());
  if (container.drift_size() > 0) {
    out += paint(globals, Paint::kWarn, ", drift");
  }
  // Not ours, or not ours any more. "adopted" is as good as managed.
  if (container.kind() == "foreign" || container.kind() == "orphan" ||
      container.kind() == "stale") {
    out += paint(globals, Paint::kDim, text(" ({})", container.kind()));
  }
  return out;
}

// Nothing for what does not run, whenever it ran last.
std::string uptime(const pb::ContainerState& container, std::int64_t now_ms) {
  const std::string& state = container.observed();
  const bool down =
      state == "stopped" || state == "missing" || state == "created" || state.starts_with("exited");
  return down ? "-" : age_text(container.started_ms(), now_ms);
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : ", ") + word;
  }
  return out;
}

std::string padded(std::string_view word, std::size_t width) {
  std::string out(word);
  out.resize(std::max(width, out.size()), ' ');
  return out;
}

std::string event_subject(const pb::Event& event) {
  if (event.service().empty()) {
    return "-";
  }
  return event.component().empty() ? event.service() : event.service() + "/" + event.component();
}

Paint severity_paint(std::string_view severity) {
  if (severity == "error" || severity == "fail") {
    return Paint::kBad;
  }
  if (severity == "warn") {
    return Paint::kWarn;
  }
  return severity == "ok" ? Paint::kGood : Paint::kDim;
}

}  // namespace

std::string containers_table(const Globals& globals, const pb::ListContainersReply& reply,
                             std::int64_t now_ms) {
  Table table({{"CONTAINER"},
               {"STATE"},
               {"UP"},
               {"IMAGE"},
               {"PORTS"},
               {.title = "RESTARTS", .right = true, .wide = true},
               {.title = "KIND", .wide = true},
               {.title = "SERVICE", .wide = true},
               {.title = "COMPONENT", .wide = true},
               {.title = "STAGE", .wide = true},
               {.title = "DESIRED", .wide = true},
               {.title = "ID", .wide = true},
               {.title = "NOTE", .wide = true}});
  const bool wide = globals.output == dsl::cli::Output::kWide;
  for (const pb::ContainerState& container : reply.containers()) {
    table.add({container.container(), container_state(globals, container),
               uptime(container, now_ms), wide ? container.image() : short_image(container.image()),
               wide ? joined(container.ports()) : short_ports(container.ports()),
               std::to_string(container.restarts()), container.kind(), container.service(),
               container.component(), container.stage(), container.desired(),
               container.container_id().substr(0, 12), container.note()});
  }
  return table.render(globals);
}

std::string services_table(const Globals& globals, const pb::ListServicesReply& reply,
                           std::int64_t now_ms) {
  Table table({{"SERVICE"},
               {"STATE"},
               {.title = "HEALTHY", .right = true},
               {"VERSION"},
               {.title = "GEN", .right = true},
               {"TIER"},
               {"CHANGED"},
               {.title = "DESIRED", .wide = true},
               {.title = "ACTIVE", .wide = true},
               {.title = "BY", .wide = true},
               {.title = "SHA256", .wide = true}});
  for (const pb::ServiceSummary& service : reply.services()) {
    const std::string age = age_text(service.updated_ms(), now_ms);
    table.add({service.name(), painted_state(globals, service.observed()),
               text("{}/{}", service.healthy(), service.components()), service.version(),
               std::to_string(service.generation()), service.tier(),
               age == "-" ? age : age + " ago", service.desired(), service.active() ? "yes" : "no",
               service.updated_by(), service.sha256()});
  }
  return table.render(globals);
}

std::string ports_table(const Globals& globals, const pb::ListPortsReply& reply) {
  Table table({{"ADDRESS"}, {.title = "PORT", .right = true}, {"PROTOCOL"}, {"OWNER"}, {"KIND"}});
  for (const pb::PortLease& lease : reply.ports()) {
    const std::string socket = lease.socket().empty() ? "" : "socket " + lease.socket();
    table.add({lease.host_ip().empty() ? "every" : lease.host_ip(), std::to_string(lease.port()),
               lease.protocol(), lease.owner(),
               !socket.empty() ? socket
               : lease.fixed() ? "fixed"
                               : "allocated"});
  }
  return table.render(globals);
}

std::string sync_table(const Globals& globals, const pb::SyncReply& reply) {
  Table table({{"SERVICE"}, {"ACTION"}, {.title = "DIFFERENCES", .right = true}, {"NOTE"}});
  std::string details;
  for (const pb::SyncReply::Row& row : reply.rows()) {
    table.add({row.service(), painted_state(globals, row.action()),
               std::to_string(row.differences_size()),
               row.restart_needed() ? "takes effect at the next deploy" : ""});
    if (row.differences_size() > 0) {
      details += text("\n{}\n", row.service()) + difference_lines(row.differences(), "  ");
    }
  }
  pb::AdoptReply containers;
  for (const pb::SyncReply::Row& row : reply.rows()) {
    containers.mutable_rows()->MergeFrom(row.containers());
  }
  return table.render(globals) + details +
         (containers.rows_size() > 0 ? "\n" + adopt_table(globals, containers) : "");
}

std::string adopt_table(const Globals& globals, const pb::AdoptReply& reply) {
  Table table({{"CONTAINER"}, {"ACTION"}, {.title = "DIFFERENCES", .right = true}});
  std::string details;
  for (const pb::AdoptReply::Row& row : reply.rows()) {
    table.add({row.container(), painted_state(globals, row.action()),
               std::to_string(row.differences_size())});
    if (row.differences_size() > 0) {
      details += text("\n{}\n", row.container()) + difference_lines(row.differences(), "  ");
    }
  }
  return table.render(globals) + details;
}

std::string event_lines(const Globals& globals, const std::vector<pb::Event>& events) {
  std::size_t width = 0;
  for (const pb::Event& event : events) {
    width = std::max(width, event_subject(event).size());
  }
  std::string out;
  for (const pb::Event& event : events) {
    out += event_line(globals, event, width);
  }
  return out;
}

std::string event_line(const Globals& globals, const pb::Event& event, std::size_t& whom_width) {
  const std::string whom = event_subject(event);
  whom_width = std::max(whom_width, whom.size());
  return text("{}  {}  {}  {}{}\n", paint(globals, Paint::kDim, time_text(event.time_ms())),
              paint(globals, severity_paint(event.severity()), padded(event.severity(), 5)),
              padded(whom, whom_width), padded(event.kind(), 14), event.message());
}

std::string finding_lines(const Globals& globals, const pb::Finding& finding) {
  std::string out =
      text("{}  {}  {}\n",
           paint(globals, severity_paint(finding.severity()), padded(finding.severity(), 4)),
           padded(finding.id(), 16), finding.finding());
  if (finding.severity() != "warn" && finding.severity() != "fail") {
    return out;
  }
  const std::string indent(6, ' ');
  if (!finding.consequence().empty()) {
    out += text("{}so: {}\n", indent, finding.consequence());
  }
  if (!finding.fix().empty()) {
    out += text("{}fix: {}\n", indent, finding.fix());
  }
  if (!finding.code().empty()) {
    out += text("{}more: mcp explain {}\n", indent, finding.code());
  }
  return out;
}

}  // namespace mcp::cli
