// What a deploy is to do, decided before anything is touched.
#include <algorithm>

#include "mcp/agent/deploy.h"
#include "mcp/agent/ports.h"
#include "mcp/model/codes.h"
#include "mcp/model/override.h"
#include "mcp/model/render.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;

namespace {

ComponentRecord record_of(const model::Service& service, const model::Component& component) {
  ComponentRecord record;
  record.service = service.name;
  record.name = component.name;
  record.container = component.container;
  record.sha256 = model::component_sha256(service, component);
  record.image = component.image;
  record.should_run = service.active;
  return record;
}

// A rollback: the generation that the request names, or the one before the present one, with the
// images that it ran with.
Result<void> take_generation(const pb::DeployRequest& request,
                             const std::vector<HistoryEntry>& history, std::int64_t present,
                             DeployPlan& plan) {
  if (!plan.former && (history.empty() || request.rollback_generation() < 0)) {
    return fail(Code::kNotFound, "service {} is not registered", request.service())
        .hint("mcp list shows the services; mcp deploy registers one")
        .id(model::code::kUnknownService);
  }
  const std::int64_t wanted =
      request.rollback_generation() > 0 ? request.rollback_generation() : present - 1;
  const auto entry = std::find_if(history.begin(), history.end(),
                                  [&](const auto& e) { return e.generation == wanted; });
  if (entry == history.end()) {
    return fail(Code::kNotFound, "service {} has no generation {}", request.service(), wanted)
        .hint("mcp status shows the generations that are kept");
  }
  plan.record.service = entry->service;
  plan.record.definition_toml = entry->definition_toml;
  plan.prefer_digest = true;
  for (const model::Component& component : entry->service.components) {
    ComponentRecord record = record_of(entry->service, component);
    const auto digest = entry->image_digests.find(component.name);
    record.image_digest = digest == entry->image_digests.end() ? "" : digest->second;
    plan.record.components.push_back(std::move(record));
  }
  return {};
}

Result<void> take_definition(const pb::DeployRequest& request, const Config& config,
                             DeployPlan& plan) {
  MC_ASSIGN(model::Definition definition,
            model::parse_definition(request.definition_toml(), request.service() + ".toml"));
  MC_TRY(model::apply_overrides(
      definition,
      {.version = request.version(), .image = request.image(), .component = request.component()}));
  MC_ASSIGN(plan.record.service, model::resolve(definition, config.platform(), config.node()));
  const std::string resolved = model::canonical_json(plan.record.service);
  if (!request.resolved_json().empty() && request.resolved_json() != resolved) {
    return fail(Code::kFailedPrecondition,
                "the CLI and the agent resolve {} to different specifications", request.service())
        .id(model::code::kVersionSkew)
        .hint("both must be of one version: compare mcp version with mcp agent status");
  }
  const bool overridden = !request.version().empty() || !request.image().empty();
  plan.record.definition_toml =
      overridden ? model::render_toml(plan.record.service) : request.definition_toml();
  for (const model::Component& component : plan.record.service.components) {
    plan.record.components.push_back(record_of(plan.record.service, component));
  }
  return {};
}

// What the grammar knows and this agent cannot do yet.
Result<void> refuse_unsupported(const model::Component& component) {
  if (!component.secrets.empty()) {
    return fail(Code::kUnimplemented, "component {} uses secrets; this agent keeps none yet",
                component.name)
        .hint("pass the value as a file below the service's directory");
  }
  if (component.strategy != "recreate") {
    return fail(Code::kUnimplemented, "strategy \"{}\" of component {} needs the proxy",
                component.strategy, component.name)
        .hint("use strategy = \"recreate\" until mc-proxy runs here");
  }
  return {};
}

}  // namespace

Result<DeployPlan> Deployer::plan(const pb::DeployRequest& request, const std::string& actor) {
  DeployPlan plan;
  plan.actor = actor;
  plan.wait = !request.no_wait();
  plan.backup = !request.no_backup();
  MC_ASSIGN(plan.pull, parse_pull(request.pull()));
  MC_ASSIGN(plan.former, registry_.service(request.service()));
  MC_ASSIGN(const std::vector<HistoryEntry> history, registry_.history(request.service()));
  const std::int64_t generation = plan.former ? plan.former->generation : 0;
  const std::int64_t expected = request.change().expected_generation();
  if (expected != 0 && expected != generation) {
    return fail(Code::kConflict, "service {} is at generation {}, not {}", request.service(),
                generation, expected)
        .hint("look with mcp status, then deploy again");
  }
  const std::int64_t newest = history.empty() ? 0 : history.front().generation;
  plan.record.generation = std::max(generation, newest) + 1;
  MC_TRY(request.rollback_generation() != 0 ? take_generation(request, history, generation, plan)
                                            : take_definition(request, config_, plan));

  const model::Service& service = plan.record.service;
  plan.record.sha256 = model::spec_sha256(service);
  for (const model::Component& component : service.components) {
    if (request.component().empty() || request.component() == component.name) {
      plan.components.push_back(component.name);
    }
    MC_TRY(refuse_unsupported(component));
  }
  if (plan.components.empty()) {
    return fail(Code::kNotFound, "service {} has no component {}", service.name,
                request.component());
  }

  MC_ASSIGN(std::vector<ServiceRecord> all, registry_.services());
  std::vector<model::Service> others{service};
  for (const ServiceRecord& other : all) {
    if (other.service.name != service.name) {
      others.push_back(other.service);
    }
  }
  MC_TRY(model::check_dependencies(others, config_.platform()));
  MC_ASSIGN(const std::vector<PortRecord> taken, registry_.ports());
  MC_TRY(check_fixed_ports(service, taken));
  MC_ASSIGN(
      plan.record.ports,
      allocate_ports(env_, config_, service,
                     plan.former ? plan.former->ports : std::vector<model::Allocation>{}, taken));
  return plan;
}

}  // namespace mcp::agent
