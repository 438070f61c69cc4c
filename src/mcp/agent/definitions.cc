#include "mcp/agent/definitions.h"

#include <algorithm>
#include <set>

#include "mcp/agent/ports.h"
#include "mcp/boot/settings.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::chrono::milliseconds kLockWait{10000};

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

// A record of `service` that keeps of `former` what a change of definition does not touch.
Result<ServiceRecord> Definitions::record_for(const model::Service& service,
                                              const std::string& toml,
                                              const std::optional<ServiceRecord>& former) {
  ServiceRecord record;
  record.service = service;
  record.definition_toml = toml;
  record.sha256 = model::spec_sha256(service);
  MC_ASSIGN(const std::vector<HistoryEntry> history, registry_.history(service.name));
  const std::int64_t newest = history.empty() ? 0 : history.front().generation;
  record.generation = std::max(former ? former->generation : 0, newest) + 1;
  for (const model::Component& component : service.components) {
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
    record.components.push_back(std::move(row));
  }
  MC_ASSIGN(const std::vector<PortRecord> taken, registry_.ports());
  MC_TRY(check_fixed_ports(service, taken));
  MC_ASSIGN(record.ports,
            allocate_ports(env_, config_, service,
                           former ? former->ports : std::vector<model::Allocation>{}, taken));
  return record;
}

Result<void> Definitions::store(const ServiceRecord& record, const std::string& actor) {
  MC_TRY(registry_.put_service(record, actor));
  return mirror_.write(record);
}

Result<pb::SyncReply::Row> Definitions::sync_one(const model::Service& service,
                                                 const std::string& toml, bool dry_run,
                                                 const std::string& actor) {
  MC_ASSIGN(const ServiceLocks::Hold hold, locks_.acquire(service.name, "sync", kLockWait));
  MC_ASSIGN(const std::optional<ServiceRecord> former, registry_.service(service.name));
  pb::SyncReply::Row row;
  row.set_service(service.name);
  if (former && former->service == service) {
    row.set_action("same");
    return row;
  }
  row.set_action(former ? "change" : "add");
  if (former) {
    add_differences(*row.mutable_differences(), model::compare(service, former->service));
  }
  MC_ASSIGN(const ServiceRecord record, record_for(service, toml, former));
  for (const ComponentRecord& component : record.components) {
    const ComponentRecord* known = former ? former->find(component.name) : nullptr;
    if (known == nullptr || known->sha256 != component.sha256) {
      row.set_restart_needed(true);
    }
  }
  if (!dry_run) {
    MC_TRY(store(record, actor));
    events_.add(Severity::kInfo, "sync", service.name, "",
                text("definition recorded as generation {}", record.generation));
  }
  return row;
}

Result<pb::SyncReply> Definitions::sync(const pb::SyncRequest& request, const std::string& actor) {
  std::vector<std::pair<model::Service, std::string>> wanted;
  std::set<std::string> names;
  for (const pb::Definition& definition : request.definitions()) {
    MC_ASSIGN(const model::Definition parsed,
              model::parse_definition(definition.toml(), definition.file()));
    MC_ASSIGN(model::Service service, model::resolve(parsed, config_.platform(), config_.node()));
    names.insert(service.name);
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
  const bool dry_run = request.change().dry_run();
  for (const auto& [service, toml] : wanted) {
    MC_ASSIGN(*reply.add_rows(), sync_one(service, toml, dry_run, actor));
  }
  for (const ServiceRecord& record : records) {
    if (!request.prune() || names.contains(record.service.name) || !record.service.active) {
      continue;
    }
    model::Service inactive = record.service;
    inactive.active = false;
    MC_ASSIGN(pb::SyncReply::Row row, sync_one(inactive, record.definition_toml, dry_run, actor));
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
    return record_for(service, request.definition().toml(), former);
  }
  for (const ServiceRecord& record : records) {
    const bool owns =
        std::any_of(record.components.begin(), record.components.end(),
                    [&](const ComponentRecord& c) { return c.container == request.target(); });
    if (record.service.name == request.target() || owns) {
      return record_for(record.service, record.definition_toml, record);
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
