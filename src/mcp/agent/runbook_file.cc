#include "mcp/agent/runbook_file.h"

#include <algorithm>

#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "dsl/service/version.h"
#include "mcp/agent/doctor_checks.h"
#include "mcp/boot/gate.h"
#include "mcp/boot/graph.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;

namespace {

const dsl::log::Logger logger("agent");

// The user's line, by name or by number.
std::string subid_line(dsl::env::Env& env, const std::string& path, const DoctorSubject& subject) {
  for (const std::string& line : lines_of(env.files().read_file(path).value_or(""))) {
    const std::vector<std::string> fields = split_fields(line);
    if (fields.size() == 3 &&
        (fields[0] == subject.user || fields[0] == std::to_string(subject.uid))) {
      return line;
    }
  }
  return "";
}

model::RunbookNode describe_node(dsl::env::Env& env, const Config& config,
                                 const std::optional<NodeRecord>& record) {
  const DoctorSubject subject = subject_of(env, config, real_reach(env));
  model::RunbookNode node;
  node.name = config.node_name;
  node.addresses = config.node_addresses;
  node.user = subject.user.empty() ? std::to_string(subject.uid) : subject.user;
  node.uid = subject.uid;
  node.gid = subject.gid;
  node.home = subject.home;
  node.runtime_dir = record && !record->run_root.empty() ? dsl::env::folder_of(record->run_root)
                                                         : subject.runtime_dir;
  node.graph_root = record && !record->graph_root.empty()
                        ? record->graph_root
                        : subject.home + "/.local/share/containers/storage";
  node.subuid = subid_line(env, "/etc/subuid", subject);
  node.subgid = subid_line(env, "/etc/subgid", subject);
  node.registry_path = config.database_path;
  node.specs_dir = config.specs_dir;
  node.image_dirs = config.image_dirs;
  if (!config.ca_cert.empty() && env.files().exists(config.ca_cert).value_or(false)) {
    node.ca_file = config.ca_cert;
  }
  node.service_zone = config.service_zone;
  node.podman_version = record ? record->podman_version : "";
  node.agent_version = dsl::build_info().version;
  return node;
}

model::RunbookStep step_of(const Config& config, const ServiceRecord& record,
                           const ComponentRecord& component) {
  model::RunbookStep step;
  step.stage = record.service.tier;
  step.service = record.service;
  step.component = component.name;
  step.ports = record.ports;
  step.runs = record.service.active && component.should_run;
  step.generation = record.generation;
  step.sha256 = record.sha256;
  const model::Component* spec = record.service.find(component.name);
  if (spec != nullptr) {
    for (const boot::Endpoint& endpoint :
         boot::gate_for(record.service, *spec, record.ports, config.ca_cert).endpoints) {
      step.endpoints.emplace_back(endpoint.ip, endpoint.port);
    }
  }
  return step;
}

// "service/component" in the order of a boot; empty when there is none to be had.
std::vector<std::string> boot_order(const Config& config,
                                    const std::vector<ServiceRecord>& records) {
  std::vector<model::Service> services;
  for (const ServiceRecord& record : records) {
    services.push_back(record.service);
  }
  std::vector<std::string> order;
  if (const auto built = boot::build_graph(services, config.platform().stages)) {
    for (const boot::Node& node : built->graph.nodes) {
      order.push_back(node.key);
    }
  }
  return order;
}

}  // namespace

Result<model::Runbook> gather_runbook(dsl::env::Env& env, const Config& config, Registry& registry,
                                      std::int64_t changed_ms) {
  MC_ASSIGN(const std::optional<NodeRecord> node, registry.node());
  MC_ASSIGN(const std::vector<ServiceRecord> records, registry.services());
  model::Runbook runbook;
  runbook.node = describe_node(env, config, node);
  for (const ServiceRecord& record : records) {
    changed_ms = std::max(changed_ms, record.updated_ms);
    for (const ComponentRecord& component : record.components) {
      runbook.steps.push_back(step_of(config, record, component));
    }
  }
  runbook.as_of = dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(changed_ms)));
  // What takes no part in a boot comes last.
  const std::vector<std::string> order = boot_order(config, records);
  const auto place = [&](const model::RunbookStep& step) {
    return std::find(order.begin(), order.end(), step.service.name + "/" + step.component) -
           order.begin();
  };
  std::stable_sort(runbook.steps.begin(), runbook.steps.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return runbook;
}

Result<std::string> render_runbook(const model::Runbook& runbook, const std::string& format) {
  const model::Document page = model::make_runbook(runbook);
  if (format.empty() || format == "md") {
    return page.markdown();
  }
  if (format == "html") {
    return page.html();
  }
  if (format == "txt") {
    return page.plain();
  }
  return fail(Code::kInvalidArgument, "there is no form {} of the runbook", format)
      .hint("the forms are md, html and txt");
}

void RunbookFile::changed() {
  const std::lock_guard lock(writing_);
  changed_ms_ = env_.clock().now().time_since_epoch().count();
  write();
}

void RunbookFile::repair() {
  const std::lock_guard lock(writing_);
  write();
}

void RunbookFile::write() {
  const std::string path = config_.runbook_path();
  const auto done = [&]() -> Result<void> {
    MC_ASSIGN(const std::string content, page("md"));
    if (env_.files().read_file(path).value_or("") == content) {
      return {};
    }
    // As the mirror: values of `env` are in it.
    return env_.files().write_file(path, content, 0600);
  }();
  if (!done) {
    logger.failure(dsl::log::Level::kError, "the runbook was not written", done.error());
  }
}

Result<std::string> RunbookFile::page(const std::string& format) {
  MC_ASSIGN(const model::Runbook runbook,
            gather_runbook(env_, config_, registry_, changed_ms_.load()));
  return render_runbook(runbook, format);
}

}  // namespace mcp::agent
