#include "mcp/agent/definitions.h"

#include <algorithm>
#include <set>

#include "mcp/agent/ports.h"
#include "mcp/agent/rebuild.h"
#include "mcp/boot/settings.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::milliseconds kLockWait{10000};

ComponentRecord component_record(const model::Service& service, const model::Component& component,
                                 const std::optional<ServiceRecord>& former) {
  ComponentRecord row;
  row.service = service.name;
  row.name = component.name;
  row.container = component.container;
  row.sha256 = model::component_sha256(service, component);
  row.image = component.image;
  row.should_run = service.active;
  if (const ComponentRecord* known = former ? former->find(component.name) : nullptr) {
    row.image_digest = known->image == component.image ? known->image_digest : "";
    row.container_id = known->container_id;
    row.should_run = known->should_run && service.active;
    row.adopted = known->adopted;
  }
  return row;
}

std::vector<const Finding*> findings_of(const Remains& remains, const std::string& service) {
  std::vector<const Finding*> findings;
  for (const Finding& finding : remains.findings) {
    if (finding.service.name == service) {
      findings.push_back(&finding);
    }
  }
  return findings;
}

// What a service was before its registry was lost; null when nothing tells.
const Finding* newest_before(const Remains& remains, const std::string& service) {
  const Finding* newest = nullptr;
  for (const Finding* finding : findings_of(remains, service)) {
    if (finding->generation > (newest == nullptr ? 0 : newest->generation)) {
      newest = finding;
    }
  }
  return newest;
}

// The container of a component is what the definition asks for already.
bool is_kept(const ComponentRecord& component, const std::optional<ServiceRecord>& former,
             const Remains& remains) {
  if (former) {
    const ComponentRecord* known = former->find(component.name);
    return known != nullptr && known->sha256 == component.sha256;
  }
  const auto present = remains.containers.find(component.container);
  return present != remains.containers.end() && !component.container_id.empty() &&
         (component.adopted || label(present->second.container, kLabelSpec) == component.sha256);
}

// Of a container that the component cannot have as it is.
std::vector<model::FieldDifference> differences_of(const ServiceRecord& record,
                                                   const model::Component& spec,
                                                   const runtime::Container& live) {
  std::vector<model::FieldDifference> differences =
      boot::compare_settings(spec, published_ports(record, spec), live);
  if (!differences.empty()) {
    return differences;
  }
  // Its settings are right, its labels are not: they cannot be changed while it lives.
  return {{"labels", text("{}/{}", record.service.name, spec.name),
           text("{}/{} of another specification", label(live, kLabelService),
                label(live, kLabelComponent))}};
}

void add_differences(google::protobuf::RepeatedPtrField<pb::Difference>& out,
                     const std::vector<model::FieldDifference>& differences) {
  for (const model::FieldDifference& difference : differences) {
    pb::Difference& row = *out.Add();
    row.set_field(difference.field);
    row.set_want(difference.want);
    row.set_have(difference.have);
  }
}

}  // namespace

Result<Remains> Definitions::remains_of(std::vector<Finding> definitions, bool must_look) {
  std::vector<Finding> unknown;
  for (Finding& definition : definitions) {
    MC_ASSIGN(const std::vector<HistoryEntry> history, registry_.history(definition.service.name));
    if (history.empty()) {
      unknown.push_back(std::move(definition));
    }
  }
  if (unknown.empty()) {
    return Remains();
  }
  const SourceChoice choice{.given = std::move(unknown)};
  Result<Remains> remains = gather(env_, config_, &runtime_, choice);
  if (!remains && remains.error().code() == Code::kUnavailable && !must_look) {
    return gather(env_, config_, nullptr, choice);
  }
  return remains;
}

// A record of `service` that keeps what a change of definition does not touch: of `former`, or of
// what is left of a service that the registry has never had.
Result<ServiceRecord> Definitions::record_for(const model::Service& service,
                                              const std::string& toml,
                                              const std::optional<ServiceRecord>& former,
                                              const Remains& remains) {
  ServiceRecord record;
  MC_ASSIGN(const std::vector<HistoryEntry> history, registry_.history(service.name));
  const std::vector<const Finding*> findings =
      history.empty() ? findings_of(remains, service.name) : std::vector<const Finding*>{};
  if (findings.empty()) {
    const std::int64_t newest = history.empty() ? 0 : history.front().generation;
    record.generation = std::max(former ? former->generation : 0, newest) + 1;
    record.service = service;
    record.definition_toml = toml;
    record.sha256 = model::spec_sha256(service);
    for (const model::Component& component : service.components) {
      record.components.push_back(component_record(service, component, former));
    }
    record.ports = former ? former->ports : std::vector<model::Allocation>{};
  } else {
    Merged merged = merge_service(findings, remains, Source::kDefinitions);
    MC_ASSERT(merged.record.has_value(), "there is one definition of it, and it is preferred");
    record = std::move(*merged.record);
  }
  MC_ASSIGN(const std::vector<PortRecord> taken, registry_.ports());
  MC_TRY(check_fixed_ports(service, taken));
  MC_ASSIGN(record.ports, allocate_ports(env_, config_, service, record.ports, taken));
  return record;
}

Result<void> Definitions::store(const ServiceRecord& record, const std::string& actor) {
  MC_ASSIGN(const std::vector<HistoryEntry> history, registry_.history(record.service.name));
  MC_TRY(history.empty() ? registry_.take_over_service(record, actor)
                         : registry_.put_service(record, actor));
  return mirror_.write(record);
}

// What became of the containers of a service that the registry has never had.
Result<void> Definitions::tell_of_containers(const ServiceRecord& record, const Remains& remains,
                                             pb::SyncReply::Row& row) {
  for (const ComponentRecord& component : record.components) {
    pb::AdoptReply::Row& told = *row.add_containers();
    told.set_container(component.container);
    const auto present = remains.containers.find(component.container);
    if (present == remains.containers.end()) {
      told.set_action("missing");
      continue;
    }
    const runtime::Container& live = present->second.container;
    if (is_kept(component, std::nullopt, remains)) {
      told.set_action("adopted");
      continue;
    }
    told.set_action("differs");
    MC_ASSIGN(const runtime::Container full, runtime_.inspect(live.id));
    const model::Component& spec = *record.service.find(component.name);
    add_differences(*told.mutable_differences(), differences_of(record, spec, full));
  }
  return {};
}

Result<pb::SyncReply::Row> Definitions::sync_one(const model::Service& service,
                                                 const std::string& toml, const Sync& how) {
  MC_ASSIGN(const ServiceLocks::Hold hold, locks_.acquire(service.name, "sync", kLockWait));
  MC_ASSIGN(const std::optional<ServiceRecord> former, registry_.service(service.name));
  pb::SyncReply::Row row;
  row.set_service(service.name);
  if (former && former->service == service) {
    row.set_action("same");
    return row;
  }
  row.set_action(former ? "change" : "add");
  MC_ASSIGN(ServiceRecord record, record_for(service, toml, former, how.remains));
  if (former) {
    add_differences(*row.mutable_differences(), model::compare(service, former->service));
  } else if (const Finding* before = newest_before(how.remains, service.name)) {
    add_differences(*row.mutable_differences(), model::compare(service, before->service));
  }
  for (ComponentRecord& component : record.components) {
    if (!former && component.adopted && !how.adopt) {
      // Somebody else's container, which only --init or mcp adopt may take over.
      component.adopted = false;
      component.container_id.clear();
    }
  }
  if (!former && how.adopt) {
    MC_TRY(tell_of_containers(record, how.remains, row));
  }
  row.set_restart_needed(
      std::any_of(record.components.begin(), record.components.end(),
                  [&](const auto& component) { return !is_kept(component, former, how.remains); }));
  if (!how.dry_run) {
    MC_TRY(store(record, how.actor));
    events_.add(Severity::kInfo, "sync", service.name, "",
                text("definition recorded as generation {}", record.generation));
  }
  return row;
}

Result<pb::SyncReply> Definitions::sync(const pb::SyncRequest& request, const std::string& actor) {
  std::vector<std::pair<model::Service, std::string>> wanted;
  std::vector<Finding> findings;
  std::set<std::string> names;
  for (const pb::Definition& definition : request.definitions()) {
    MC_ASSIGN(const model::Definition parsed,
              model::parse_definition(definition.toml(), definition.file()));
    MC_ASSIGN(model::Service service, model::resolve(parsed, config_.platform(), config_.node()));
    names.insert(service.name);
    findings.push_back(finding_from_definition(definition.file(), definition.toml(), service));
    wanted.emplace_back(std::move(service), definition.toml());
  }
  MC_ASSIGN(const std::vector<ServiceRecord> records, registry_.services());
  std::vector<model::Service> all;
  for (const auto& [service, toml] : wanted) {
    all.push_back(service);
  }
  for (const ServiceRecord& record : records) {
    if (!names.contains(record.service.name)) {
      all.push_back(record.service);
    }
  }
  MC_TRY(model::check_dependencies(all, config_.platform()));

  pb::SyncReply reply;
  MC_ASSIGN(const Remains remains, remains_of(std::move(findings), request.init()));
  const Sync how{.dry_run = request.change().dry_run(),
                 .adopt = request.init(),
                 .actor = actor,
                 .remains = remains};
  for (const auto& [service, toml] : wanted) {
    MC_ASSIGN(*reply.add_rows(), sync_one(service, toml, how));
  }
  for (const ServiceRecord& record : records) {
    if (!request.prune() || names.contains(record.service.name) || !record.service.active) {
      continue;
    }
    model::Service inactive = record.service;
    inactive.active = false;
    MC_ASSIGN(pb::SyncReply::Row row, sync_one(inactive, record.definition_toml, how));
    row.set_action("prune");
    *reply.add_rows() = row;
  }
  return reply;
}

Result<ServiceRecord> Definitions::adoption_target(const pb::AdoptRequest& request) {
  MC_ASSIGN(const std::vector<ServiceRecord> records, registry_.services());
  if (!request.definition().toml().empty()) {
    MC_ASSIGN(const model::Definition parsed,
              model::parse_definition(request.definition().toml(), request.definition().file()));
    MC_ASSIGN(const model::Service service,
              model::resolve(parsed, config_.platform(), config_.node()));
    std::optional<ServiceRecord> former;
    for (const ServiceRecord& record : records) {
      if (record.service.name == service.name) {
        former = record;
      }
    }
    MC_ASSIGN(const Remains remains,
              remains_of({finding_from_definition(request.definition().file(),
                                                  request.definition().toml(), service)},
                         true));
    return record_for(service, request.definition().toml(), former, remains);
  }
  for (const ServiceRecord& record : records) {
    const bool owns =
        std::any_of(record.components.begin(), record.components.end(),
                    [&](const ComponentRecord& c) { return c.container == request.target(); });
    if (record.service.name == request.target() || owns) {
      return record_for(record.service, record.definition_toml, record, Remains());
    }
  }
  return fail(Code::kNotFound, "no definition says what {} should be", request.target())
      .id(model::code::kUnknownService)
      .hint(text("write one: podman's command line through mcp convert, then mcp adopt {}",
                 request.target()));
}

Result<pb::AdoptReply> Definitions::adopt(const pb::AdoptRequest& request,
                                          const std::string& actor) {
  MC_ASSIGN(ServiceRecord record, adoption_target(request));
  MC_ASSIGN(const ServiceLocks::Hold hold, locks_.acquire(record.service.name, "adopt", kLockWait));
  pb::AdoptReply reply;
  bool all_equal = true;
  for (ComponentRecord& component : record.components) {
    pb::AdoptReply::Row& row = *reply.add_rows();
    row.set_container(component.container);
    const Result<runtime::Container> live = runtime_.inspect(component.container);
    if (!live) {
      row.set_action("missing");
      all_equal = false;
      continue;
    }
    if (label(*live, kLabelSpec) == component.sha256) {
      row.set_action("already");
      component.container_id = live->id;
      continue;
    }
    const model::Component& spec = *record.service.find(component.name);
    const std::vector<model::FieldDifference> differences =
        boot::compare_settings(spec, published_ports(record, spec), *live);
    add_differences(*row.mutable_differences(), differences);
    row.set_action(differences.empty() ? "adopted" : "differs");
    all_equal = all_equal && differences.empty();
    component.adopted = differences.empty();
    component.container_id = live->id;
    const Result<std::optional<runtime::Image>> image = runtime_.image(live->image_id);
    if (image && *image) {
      component.image_digest = digest_of(**image);
    }
  }
  if (!all_equal || request.change().dry_run()) {
    return reply;  // nothing was changed; the rows say why
  }
  MC_TRY(store(record, actor));
  events_.add(Severity::kInfo, "adopt", record.service.name, "",
              text("adopted as generation {}", record.generation));
  if (!request.recreate()) {
    return reply;
  }
  for (int i = 0; i < reply.rows_size(); ++i) {
    const ComponentRecord& component = record.components[static_cast<std::size_t>(i)];
    MC_ASSIGN(const Containers::Brought brought, containers_.recreate(record, component));
    MC_TRY(registry_.set_container(record.service.name, component.name, brought.id,
                                   brought.image_digest));
    MC_TRY(registry_.set_adopted(record.service.name, component.name, false));
    reply.mutable_rows(i)->set_action("recreated");
  }
  return reply;
}

}  // namespace mcp::agent
