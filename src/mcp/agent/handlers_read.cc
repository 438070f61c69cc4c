#include "mcp/agent/handlers_read.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include <unistd.h>

#include "dsl/service/version.h"
#include "mcp/agent/backup_state.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::rpc::CallContext;
using dsl::rpc::Writer;

namespace {

constexpr std::chrono::milliseconds kPatience{500};
constexpr int kEventsDefault = 100;

pb::Node describe_node(HandlerContext& context) {
  pb::Node node;
  node.set_name(context.config.node_name);
  for (const auto& [name, address] : context.config.node_addresses) {
    (*node.mutable_addresses())[name] = address;
  }
  node.set_uid(context.uid);
  node.set_gid(context.gid);
  node.set_agent_version(dsl::build_info().version);
  node.set_boot_id(context.boot_id);
  const model::Platform platform = context.config.platform();
  pb::Platform& out = *node.mutable_platform();
  out.set_registry(platform.registry);
  out.set_service_zone(platform.service_zone);
  out.mutable_stages()->Assign(platform.stages.begin(), platform.stages.end());
  out.mutable_volume_roots()->Assign(platform.volume_roots.begin(), platform.volume_roots.end());
  out.set_data_root(platform.data_root);
  out.set_port_offset(platform.port_offset);
  if (context.core == nullptr) {
    node.set_registry_state("unreadable");
    node.set_runtime("not looked at");
    return node;
  }
  const Result<bool> initialized = context.core->registry->initialized();
  node.set_registry_state(initialized.value_or(false) ? "ready" : "uninitialized");
  const std::string error = context.core->observer.runtime_error();
  const Result<std::optional<NodeRecord>> record = context.core->registry->node();
  node.set_runtime(!error.empty()      ? "unreachable"
                   : record && *record ? text("podman {}", (*record)->podman_version)
                                       : "podman");
  return node;
}

pb::PortLease to_proto(const PortRecord& port) {
  pb::PortLease lease;
  lease.set_host_ip(port.host_ip);
  lease.set_port(port.port);
  lease.set_protocol(port.protocol);
  lease.set_owner(port.owner);
  lease.set_fixed(port.fixed);
  lease.set_socket(port.socket);
  return lease;
}

pb::Event to_proto(const EventRecord& record) {
  pb::Event event;
  event.set_id(record.id);
  event.set_time_ms(record.time_ms);
  event.set_service(record.service);
  event.set_component(record.component);
  event.set_kind(record.kind);
  event.set_severity(record.severity);
  event.set_message(record.message);
  event.set_data(record.data);
  return event;
}

// From good to bad: a service is what its worst component is.
int badness(const std::string& observed) {
  static const std::vector<std::string> kOrder{"healthy", "running",   "stopped",   "starting",
                                               "created", "unknown",   "unhealthy", "flapping",
                                               "stale",   "port-dead", "missing"};
  const auto found = std::find(kOrder.begin(), kOrder.end(), observed);
  return found == kOrder.end() ? static_cast<int>(kOrder.size())
                               : static_cast<int>(found - kOrder.begin());
}

pb::ServiceSummary summarize(const ServiceRecord& record,
                             const std::vector<pb::ContainerState>& states) {
  pb::ServiceSummary out;
  out.set_name(record.service.name);
  out.set_tier(record.service.tier);
  out.set_active(record.service.active);
  out.set_generation(record.generation);
  out.set_components(static_cast<std::int32_t>(record.components.size()));
  out.set_version(record.service.version);
  out.set_updated_ms(record.updated_ms);
  out.set_updated_by(record.updated_by);
  out.set_sha256(record.sha256);
  out.set_desired("stopped");
  for (const ComponentRecord& component : record.components) {
    if (component.should_run && record.service.active) {
      out.set_desired("running");
    }
  }
  for (const pb::ContainerState& state : states) {
    if (state.service() != record.service.name || state.kind() == "orphan") {
      continue;
    }
    const bool good = state.observed() == "healthy" || state.observed() == "running";
    out.set_healthy(out.healthy() + (good ? 1 : 0));
    if (out.observed().empty() || badness(state.observed()) > badness(out.observed())) {
      out.set_observed(state.observed());
    }
  }
  if (out.observed().empty()) {
    out.set_observed("unknown");
  }
  return out;
}

Result<pb::ListServicesReply> list_services(HandlerContext& context) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_ASSIGN(const std::vector<ServiceRecord> records, core->registry->services());
  const std::vector<pb::ContainerState> states = core->observer.states(false);
  pb::ListServicesReply reply;
  for (const ServiceRecord& record : records) {
    *reply.add_services() = summarize(record, states);
  }
  return reply;
}

Result<pb::ServiceDetail> get_service(HandlerContext& context, const std::string& name) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_ASSIGN(const std::optional<ServiceRecord> record, core->registry->service(name));
  if (!record) {
    return fail(Code::kNotFound, "service {} is not registered on this node", name)
        .id(model::code::kUnknownService)
        .hint("mcp list shows the services");
  }
  pb::ServiceDetail detail;
  const std::vector<pb::ContainerState> states = core->observer.states(false);
  *detail.mutable_summary() = summarize(*record, states);
  detail.set_definition_toml(record->definition_toml);
  detail.set_resolved_json(model::canonical_json(record->service));
  for (const pb::ContainerState& state : states) {
    if (state.service() == name) {
      *detail.add_containers() = state;
    }
  }
  MC_ASSIGN(const std::vector<EventRecord> events, core->events.list(0, name, 20));
  for (const EventRecord& event : events) {
    *detail.add_events() = to_proto(event);
  }
  MC_ASSIGN(const std::vector<PortRecord> ports, core->registry->ports());
  for (const PortRecord& port : ports) {
    if (port.owner.starts_with(name + "/")) {
      *detail.add_ports() = to_proto(port);
    }
  }
  return detail;
}

pb::Replica describe(const dsl::replica::Status& status) {
  pb::Replica replica;
  replica.set_following(status.following);
  replica.set_epoch(status.epoch);
  replica.set_reason(status.reason);
  replica.set_sealed_until_ms(status.sealed_until.time_since_epoch().count());
  for (const dsl::replica::MirrorStatus& mirror : status.mirrors) {
    pb::ReplicaMirror& entry = *replica.add_mirrors();
    entry.set_place(mirror.place);
    entry.set_state(std::string(name_of(mirror.state)));
    entry.set_error(mirror.error);
    entry.set_lag_bytes(static_cast<std::int64_t>(mirror.lag_bytes));
    entry.set_stored_until_ms(mirror.stored_until.time_since_epoch().count());
    entry.set_sync(mirror.sync);
    entry.set_sync_active(mirror.sync_active);
  }
  return replica;
}

void describe_backup(HandlerContext& context, pb::AgentStatus& status) {
  const Result<BackupState> state = backup_state(context.env, context.config);
  if (state && !state->configured && state->points == 0) {
    return;
  }
  pb::Backup& backup = *status.mutable_backup();
  if (!state) {
    backup.set_alert(text("the records of the backups: {}", state.error().message()));
    return;
  }
  backup.set_points(state->points);
  backup.set_last_point(state->last_point);
  backup.set_last_ms(state->last_ms);
  backup.set_alert(state->alert);
}

Result<pb::AgentStatus> get_status(HandlerContext& context) {
  pb::AgentStatus status;
  *status.mutable_node() = describe_node(context);
  status.set_registry_path(context.config.database_path);
  status.set_started_ms(context.started.time_since_epoch().count());
  status.set_pid(getpid());
  if (context.core == nullptr) {
    status.set_runtime_error(context.registry_error.message());
    return status;
  }
  Core& core = *context.core;
  status.set_schema_version(core.registry->schema_version());
  status.set_runtime_mode(core.runtime_mode);
  status.set_runtime_error(core.observer.runtime_error());
  MC_ASSIGN(const std::vector<ServiceRecord> records, core.registry->services());
  status.set_services(static_cast<std::int32_t>(records.size()));
  for (const pb::ContainerState& state : core.observer.states(false)) {
    const bool wanted = state.desired() == "running";
    const bool good = state.observed() == "healthy" || state.observed() == "running";
    status.set_containers_wanted(status.containers_wanted() + (wanted ? 1 : 0));
    status.set_containers_healthy(status.containers_healthy() + (wanted && good ? 1 : 0));
    status.set_drifted(status.drifted() + (state.drift().empty() ? 0 : 1));
  }
  if (const auto replica = core.registry->database().replica_status()) {
    *status.mutable_replica() = describe(*replica);
  }
  describe_backup(context, status);
  if (const Result<pb::BootRun> run = core.boot.status()) {
    *status.mutable_boot() = *run;
  }
  for (const pb::Operation& operation : core.operations.running()) {
    *status.add_open_operations() = operation;
  }
  return status;
}

Result<void> watch(HandlerContext& context, CallContext& call, const pb::WatchRequest& request,
                   Writer<pb::ContainerState>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  std::map<std::string, std::string> sent;
  std::uint64_t version = 0;
  while (!call.cancelled() && !context.stopping) {
    for (const pb::ContainerState& state : core->observer.states(false)) {
      if (!request.service().empty() && state.service() != request.service()) {
        continue;
      }
      std::string bytes = state.SerializeAsString();
      if (sent[state.container()] != bytes) {
        MC_TRY(writer.write(state));
        sent[state.container()] = std::move(bytes);
      }
    }
    version = core->observer.wait_after(version, kPatience);
  }
  return {};
}

Result<void> list_events(HandlerContext& context, CallContext& call,
                         const pb::ListEventsRequest& request, Writer<pb::Event>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  const int limit = request.limit() > 0 ? request.limit() : kEventsDefault;
  std::int64_t seen = core->events.newest();
  MC_ASSIGN(const std::vector<EventRecord> last,
            core->events.list(request.since_id(), request.service(), limit));
  for (const EventRecord& event : last) {
    MC_TRY(writer.write(to_proto(event)));
    seen = std::max(seen, event.id);
  }
  while (request.follow() && !call.cancelled() && !context.stopping) {
    core->events.wait_after(seen, kPatience);
    // Whatever other services have added by now counts as seen, too.
    const std::int64_t newest = core->events.newest();
    MC_ASSIGN(const std::vector<EventRecord> fresh, core->events.after(seen, request.service()));
    for (const EventRecord& event : fresh) {
      MC_TRY(writer.write(to_proto(event)));
      seen = event.id;
    }
    seen = std::max(seen, newest);
  }
  return {};
}

// One reader for each container; the writer takes their lines one at a time.
Result<void> logs(HandlerContext& context, CallContext& call, const pb::LogsRequest& request,
                  Writer<pb::LogLine>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_ASSIGN(const std::optional<ServiceRecord> record, core->registry->service(request.service()));
  if (!record) {
    return fail(Code::kNotFound, "service {} is not registered on this node", request.service())
        .id(model::code::kUnknownService)
        .hint("mcp list shows the services");
  }
  std::vector<const ComponentRecord*> chosen;
  for (const ComponentRecord& component : record->components) {
    if (request.component().empty() || request.component() == component.name) {
      chosen.push_back(&component);
    }
  }
  if (chosen.empty()) {
    return fail(Code::kNotFound, "service {} has no component {}", request.service(),
                request.component());
  }
  const runtime::LogOptions options{.follow = request.follow(),
                                    .tail = request.tail(),
                                    .since_s = request.since_ms() / 1000,
                                    .timestamps = request.timestamps()};
  std::mutex mutex;
  Result<void> outcome;  // guarded by mutex: the first failure
  std::atomic<bool> gone = false;
  std::vector<std::thread> readers;
  for (const ComponentRecord* component : chosen) {
    readers.emplace_back([&, component] {
      const Result<void> read = core->runtime->logs(
          component->container, options,
          [&](const runtime::LogRecord& line) {
            const std::lock_guard lock(mutex);
            pb::LogLine out;
            out.set_container(component->container);
            out.set_stream(line.is_stderr ? "stderr" : "stdout");
            out.set_line(line.line);
            out.set_time(line.time);
            if (gone || call.cancelled() || context.stopping || !writer.write(out)) {
              gone = true;
            }
            return !gone;
          },
          [&] { return gone || call.cancelled() || context.stopping; });
      if (!read && !gone) {
        const std::lock_guard lock(mutex);
        outcome = read;
      }
    });
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  return outcome;
}

Result<pb::ListPortsReply> list_ports(HandlerContext& context) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_ASSIGN(const std::vector<PortRecord> ports, core->registry->ports());
  pb::ListPortsReply reply;
  for (const PortRecord& port : ports) {
    *reply.add_ports() = to_proto(port);
  }
  return reply;
}

pb::Finding to_proto(const DoctorFinding& finding) {
  pb::Finding out;
  out.set_id(finding.id);
  out.set_severity(finding.severity);
  out.set_finding(finding.finding);
  out.set_consequence(finding.consequence);
  out.set_fix(finding.fix);
  out.set_code(finding.code);
  return out;
}

}  // namespace

void add_read_methods(dsl::rpc::MethodTable& table, HandlerContext& context) {
  const std::string service = "mcp.v1.AgentService.";
  table.add<pb::GetNodeRequest, pb::Node>(
      service + "GetNode", [&context](CallContext&, const pb::GetNodeRequest&) -> Result<pb::Node> {
        return describe_node(context);
      });
  table.add<pb::ListServicesRequest, pb::ListServicesReply>(
      service + "ListServices",
      [&context](CallContext&, const pb::ListServicesRequest&) { return list_services(context); });
  table.add<pb::GetServiceRequest, pb::ServiceDetail>(
      service + "GetService", [&context](CallContext&, const pb::GetServiceRequest& request) {
        return get_service(context, request.service());
      });
  table.add<pb::ListContainersRequest, pb::ListContainersReply>(
      service + "ListContainers",
      [&context](CallContext&,
                 const pb::ListContainersRequest& request) -> Result<pb::ListContainersReply> {
        MC_ASSIGN(Core * core, require_core(context));
        pb::ListContainersReply reply;
        for (const pb::ContainerState& state : core->observer.states(request.all())) {
          *reply.add_containers() = state;
        }
        return reply;
      });
  table.add<pb::GetStatusRequest, pb::AgentStatus>(
      service + "GetStatus",
      [&context](CallContext&, const pb::GetStatusRequest&) { return get_status(context); });
  table.add_stream<pb::WatchRequest, pb::ContainerState>(
      service + "Watch", [&context](CallContext& call, const pb::WatchRequest& request,
                                    Writer<pb::ContainerState>& writer) {
        return watch(context, call, request, writer);
      });
  table.add_stream<pb::LogsRequest, pb::LogLine>(
      service + "Logs",
      [&context](CallContext& call, const pb::LogsRequest& request, Writer<pb::LogLine>& writer) {
        return logs(context, call, request, writer);
      });
  table.add_stream<pb::ListEventsRequest, pb::Event>(
      service + "ListEvents", [&context](CallContext& call, const pb::ListEventsRequest& request,
                                         Writer<pb::Event>& writer) {
        return list_events(context, call, request, writer);
      });
  table.add<pb::GetBootRequest, pb::BootRun>(
      service + "GetBoot",
      [&context](CallContext&, const pb::GetBootRequest&) -> Result<pb::BootRun> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->boot.status();
      });
  table.add<pb::GetOperationRequest, pb::Operation>(
      service + "GetOperation",
      [&context](CallContext&, const pb::GetOperationRequest& request) -> Result<pb::Operation> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->operations.get(request.id());
      });
  table.add<pb::ListPortsRequest, pb::ListPortsReply>(
      service + "ListPorts",
      [&context](CallContext&, const pb::ListPortsRequest&) { return list_ports(context); });
  table.add<pb::GetRunbookRequest, pb::RunbookPage>(
      service + "GetRunbook",
      [&context](CallContext&, const pb::GetRunbookRequest& request) -> Result<pb::RunbookPage> {
        MC_ASSIGN(Core * core, require_core(context));
        pb::RunbookPage page;
        page.set_node(context.config.node_name);
        page.set_format(request.format().empty() ? "md" : request.format());
        MC_ASSIGN(*page.mutable_text(), core->runbook.page(request.format()));
        return page;
      });
  table.add_stream<pb::DoctorRequest, pb::Finding>(
      service + "Doctor",
      [&context](CallContext&, const pb::DoctorRequest& request,
                 Writer<pb::Finding>& writer) -> Result<void> {
        const std::vector<std::string> only(request.checks().begin(), request.checks().end());
        MC_TRY(known_checks(only));
        Registry* registry = context.core == nullptr ? nullptr : context.core->registry.get();
        for (const DoctorFinding& finding :
             examine_node(context.env, context.config, registry, only)) {
          MC_TRY(writer.write(to_proto(finding)));
        }
        return {};
      });
}

}  // namespace mcp::agent
