#include "mcp/agent/deploy.h"

#include <algorithm>

#include <unistd.h>

#include "dsl/log/log.h"
#include "mcp/agent/journal.h"
#include "mcp/agent/ports.h"
#include "mcp/model/codes.h"
#include "mcp/model/override.h"
#include "mcp/model/render.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.deploy");
constexpr std::uint64_t kFreeBytesMin = 256u << 20;
constexpr int kLogTailLines = 20;
// Of a roll back, for the former container's gate: it ran before, so that it needs no full
// deadline.
constexpr std::chrono::seconds kFormerPatience{30};

std::string parked_name(const std::string& container) { return container + ".prev"; }

// Components in the order of `after`; those without edges keep the order of the definition.
std::vector<const model::Component*> start_order(const model::Service& service) {
  std::vector<const model::Component*> out;
  const auto placed = [&](const std::string& name) {
    return std::any_of(out.begin(), out.end(), [&](const auto* c) { return c->name == name; });
  };
  while (out.size() < service.components.size()) {
    const std::size_t before = out.size();
    for (const model::Component& component : service.components) {
      if (!placed(component.name) &&
          std::all_of(component.after.begin(), component.after.end(), placed)) {
        out.push_back(&component);
      }
    }
    MC_ASSERT(out.size() > before, "`after` has no cycle once a service is resolved");
  }
  return out;
}

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

}  // namespace

// One run of a deploy. Confined to its operation's thread.
class Deployer::Transaction {
 public:
  Transaction(Deployer& owner, OperationContext& operation)
      : owner_(owner), operation_(operation) {}

  Result<void> run(const DeployPlan& plan);
  Result<void> replay(const OpenOperation& open);

 private:
  struct Replacement {
    const model::Component* component = nullptr;
    runtime::Image image;
    std::optional<runtime::Container> old;
    bool keep = false;
  };

  Result<void> forward(const DeployPlan& plan);
  Result<void> prepare(const DeployPlan& plan);
  Result<void> prepare_component(const DeployPlan& plan, const model::Component& component);
  Result<void> make_default_directory(const DeployPlan& plan, const model::Component& component);
  Result<void> replace(const DeployPlan& plan, Replacement& replacement);
  Result<void> wait_for_gate(const model::Component& component, const std::string& id);
  bool nothing_changed(const DeployPlan& plan) const;
  Result<void> park_removed(const DeployPlan& plan);
  Result<void> park(const runtime::Container& old, const std::string& name);
  Result<void> commit(const DeployPlan& plan);
  void remove_parked();
  Result<void> roll_back(Error cause, const std::optional<ServiceRecord>& former);
  Result<void> take_back(const Undo& undo);
  Result<void> start_former(const Undo& undo, const std::optional<ServiceRecord>& former);
  Result<void> announce(std::string_view step, std::string_view component,
                        std::string_view message);
  Result<void> check_cancelled() const;

  Deployer& owner_;
  OperationContext& operation_;
  ServiceRecord record_;
  std::vector<Replacement> replacements_;
  Journal journal_;
  std::string step_;
  int steps_done_ = 0;
  int steps_total_ = 0;
  std::optional<dsl::env::MonoTime> down_since_;
};

Deployer::Deployer(dsl::env::Env& env, const Config& config, Registry& registry, Mirror& mirror,
                   runtime::Runtime& runtime, Containers& containers, EventLog& events)
    : env_(env),
      config_(config),
      registry_(registry),
      mirror_(mirror),
      runtime_(runtime),
      containers_(containers),
      events_(events) {}

Result<DeployPlan> Deployer::plan(const pb::DeployRequest& request, const std::string& actor) {
  DeployPlan plan;
  plan.actor = actor;
  plan.wait = !request.no_wait();
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

  if (request.rollback_generation() != 0) {
    if (!plan.former && (history.empty() || request.rollback_generation() < 0)) {
      return fail(Code::kNotFound, "service {} is not registered", request.service())
          .hint("mcp list shows the services; mcp deploy registers one")
          .id(model::code::kUnknownService);
    }
    const std::int64_t wanted =
        request.rollback_generation() > 0 ? request.rollback_generation() : generation - 1;
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
  } else {
    MC_ASSIGN(model::Definition definition,
              model::parse_definition(request.definition_toml(), request.service() + ".toml"));
    MC_TRY(model::apply_overrides(definition, {.version = request.version(),
                                               .image = request.image(),
                                               .component = request.component()}));
    MC_ASSIGN(plan.record.service, model::resolve(definition, config_.platform(), config_.node()));
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
  }
  const model::Service& service = plan.record.service;
  plan.record.sha256 = model::spec_sha256(service);
  for (const model::Component& component : service.components) {
    if (request.component().empty() || request.component() == component.name) {
      plan.components.push_back(component.name);
    }
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

Result<void> Deployer::run(const DeployPlan& plan, OperationContext& operation) {
  return Transaction(*this, operation).run(plan);
}

Result<void> Deployer::replay(const OpenOperation& open, OperationContext& operation) {
  return Transaction(*this, operation).replay(open);
}

Result<void> Deployer::Transaction::run(const DeployPlan& plan) {
  record_ = plan.record;
  Result<void> done = forward(plan);
  if (!done) {
    return roll_back(done.error(), plan.former);
  }
  if (operation_.result().state() == "unchanged") {
    operation_.result().set_generation(plan.former->generation);
    return {};
  }
  const Result<void> mirrored = owner_.mirror_.write(record_);
  if (!mirrored) {
    logger.failure(dsl::log::Level::kError, "mirror not written", mirrored.error());
    operation_.notice(text("mirror not written: {}", mirrored.error().message()));
  }
  remove_parked();
  operation_.result().set_generation(record_.generation);
  owner_.events_.add(Severity::kInfo, "deploy", record_.service.name, "",
                     text("deployed generation {}", record_.generation));
  return {};
}

Result<void> Deployer::Transaction::forward(const DeployPlan& plan) {
  MC_TRY(prepare(plan));
  steps_total_ = static_cast<int>(3 * replacements_.size() + 1);
  MC_TRY(park_removed(plan));  // first: a new component may want the ports of one that goes
  for (Replacement& replacement : replacements_) {
    MC_TRY(replace(plan, replacement));
  }
  if (nothing_changed(plan)) {
    operation_.result().set_state("unchanged");
    return {};
  }
  const bool routed =
      std::any_of(record_.service.components.begin(), record_.service.components.end(),
                  [](const auto& component) { return !component.routes.empty(); });
  if (routed) {
    operation_.notice("routes: no proxy is configured; the service answers on its host ports only");
    operation_.notice("dns: no name service is configured; no record was made");
    operation_.notice("certificates: no CA is configured; none was issued");
  }
  MC_TRY(check_cancelled());
  return commit(plan);
}

// Everything that can fail without anything having been touched.
Result<void> Deployer::Transaction::prepare(const DeployPlan& plan) {
  step_ = "prepare";
  MC_ASSIGN(const std::uint64_t free, owner_.env_.files().free_bytes(owner_.config_.data_root));
  if (free < kFreeBytesMin) {
    return fail(Code::kNoSpace, "{} MiB are free below {}", free >> 20, owner_.config_.data_root)
        .id(model::code::kDiskFull)
        .hint("free some space (at least 256 MiB); podman image prune removes unused images");
  }
  for (const model::Component* component : start_order(record_.service)) {
    const bool wanted = std::find(plan.components.begin(), plan.components.end(),
                                  component->name) != plan.components.end();
    if (wanted) {
      MC_TRY(prepare_component(plan, *component));
    }
  }
  // A component that was not asked for keeps its container, and what is recorded of it.
  for (ComponentRecord& component : record_.components) {
    const ComponentRecord* former = plan.former ? plan.former->find(component.name) : nullptr;
    const bool wanted = std::find(plan.components.begin(), plan.components.end(), component.name) !=
                        plan.components.end();
    if (!wanted && former != nullptr) {
      component.image_digest = former->image_digest;
      component.container_id = former->container_id;
      component.adopted = former->adopted;
      component.should_run = former->should_run;
    }
  }
  return {};
}

Result<void> Deployer::Transaction::prepare_component(const DeployPlan& plan,
                                                      const model::Component& component) {
  Replacement replacement;
  replacement.component = &component;
  auto record = std::find_if(record_.components.begin(), record_.components.end(),
                             [&](const auto& c) { return c.name == component.name; });
  MC_ASSIGN(replacement.image,
            owner_.containers_.find_image({.reference = component.image,
                                           .digest = plan.prefer_digest ? record->image_digest : "",
                                           .prefer_digest = plan.prefer_digest,
                                           .pull = plan.pull}));
  record->image_digest = digest_of(replacement.image);
  MC_TRY(make_default_directory(plan, component));
  MC_TRY(owner_.containers_.check_mounts(component));
  MC_TRY(owner_.containers_.ensure_networks(component));

  Result<runtime::Container> live = owner_.runtime_.inspect(component.container);
  if (live) {
    if (label(*live, kLabelManaged).empty() &&
        (!plan.former || plan.former->find(component.name) == nullptr)) {
      return fail(Code::kConflict, "container {} exists and is not managed by this platform",
                  component.container)
          .id(model::code::kUnmanagedContainer)
          .hint(text("take it over with mcp adopt {}, or rename it", component.container));
    }
    replacement.keep =
        live->state == runtime::State::kRunning &&
        owner_.containers_.liveness(*live).state == runtime::Liveness::State::kAlive &&
        label(*live, kLabelSpec) == record->sha256 && live->image_id == replacement.image.id &&
        record_.service.active;
    replacement.old = std::move(*live);
  } else if (live.error().code() != Code::kNotFound) {
    return tl::unexpected(live.error());
  }
  replacements_.push_back(std::move(replacement));
  return {};
}

// The first deploy of a service makes its data directory, and says so. Nothing else ever does.
Result<void> Deployer::Transaction::make_default_directory(const DeployPlan& plan,
                                                           const model::Component& component) {
  const std::string path = text("{}/{}", owner_.config_.data_root, record_.service.name);
  const bool mounted = std::any_of(component.volumes.begin(), component.volumes.end(),
                                   [&](const auto& volume) { return volume.host == path; });
  if (plan.former || !mounted) {
    return {};
  }
  MC_ASSIGN(const bool there, owner_.env_.files().exists(path));
  if (there) {
    return {};
  }
  journal_.undos.push_back({.kind = Undo::Kind::kRemoveDirectory, .container = path});
  MC_TRY(announce("mounts", component.name, text("make {}", path)));
  const Result<void> made = owner_.env_.files().make_directories(path, 0750);
  if (!made) {
    return fail(Code::kFailedPrecondition, "the data directory {} cannot be made: {}", path,
                made.error().message())
        .id(model::code::kHostDirectoryMissing)
        .hint(text("as root: install -d -o {} -g {} -m 0750 {}; then deploy again", geteuid(),
                   getegid(), path));
  }
  operation_.notice(text("made {} for the service's data", path));
  return {};
}

Result<void> Deployer::Transaction::replace(const DeployPlan& plan, Replacement& replacement) {
  const model::Component& component = *replacement.component;
  MC_TRY(check_cancelled());
  auto record = std::find_if(record_.components.begin(), record_.components.end(),
                             [&](const auto& c) { return c.name == component.name; });
  if (replacement.keep) {
    record->container_id = replacement.old->id;
    steps_done_ += 2;
    operation_.progress(++steps_done_, steps_total_, component.name, "unchanged; look at its gate");
    return plan.wait ? wait_for_gate(component, record->container_id) : Result<void>();
  }

  if (replacement.old) {
    journal_.undos.push_back({.kind = Undo::Kind::kUnpark,
                              .container = component.container,
                              .component = component.name,
                              .id = replacement.old->id,
                              .was_running = replacement.old->state == runtime::State::kRunning});
  }
  journal_.undos.push_back({.kind = Undo::Kind::kRemoveNew,
                            .container = component.container,
                            .component = component.name});
  MC_TRY(announce("create", component.name, replacement.old ? "park old, create" : "create"));
  if (replacement.old) {
    MC_TRY(park(*replacement.old, component.container));
  }
  MC_ASSIGN(record->container_id,
            owner_.containers_.create(record_, component, replacement.image.id, operation_.id()));
  if (!record_.service.active) {
    steps_done_ += 2;
    operation_.progress(steps_done_, steps_total_, component.name, "created, not started");
    return {};
  }

  step_ = "start";
  operation_.progress(++steps_done_, steps_total_, component.name, "start");
  MC_TRY(owner_.containers_.start(component, record->container_id));
  if (!plan.wait) {
    ++steps_done_;
    return {};
  }

  step_ = "gate";
  operation_.progress(++steps_done_, steps_total_, component.name,
                      text("wait for the {} gate", component.health.type));
  MC_TRY(wait_for_gate(component, record->container_id));
  if (down_since_) {
    const auto down = owner_.env_.clock().mono_now() - *down_since_;
    const auto down_ms = std::chrono::duration_cast<std::chrono::milliseconds>(down).count();
    operation_.result().set_downtime_ms(operation_.result().downtime_ms() + down_ms);
    down_since_.reset();
  }
  return {};
}

Result<void> Deployer::Transaction::wait_for_gate(const model::Component& component,
                                                  const std::string& id) {
  const boot::Answer answer = owner_.containers_.wait_for_gate(
      record_, component, id, [this] { return operation_.cancelled(); });
  MC_TRY(check_cancelled());
  if (!answer.pass) {
    for (const std::string& line : owner_.containers_.log_tail(id, kLogTailLines)) {
      operation_.result().add_log_tail(line);
    }
    return fail(Code::kFailedPrecondition, "{} did not become healthy within {} s: {}",
                component.container, component.health.deadline.count() / 1000, answer.text)
        .id(model::code::kGateFailed)
        .hint("its last log lines are above; mcp render shows the gate");
  }
  if (!answer.warning.empty()) {
    operation_.notice(text("{}: {}", component.name, answer.warning));
  }
  return {};
}

// The same specification, the same images, the same containers: no generation is spent on it.
bool Deployer::Transaction::nothing_changed(const DeployPlan& plan) const {
  const bool kept = std::all_of(replacements_.begin(), replacements_.end(),
                                [](const Replacement& replacement) { return replacement.keep; });
  if (!kept || !plan.former || plan.former->sha256 != record_.sha256 ||
      plan.former->ports != record_.ports) {
    return false;
  }
  return std::all_of(
      record_.components.begin(), record_.components.end(), [&](const ComponentRecord& component) {
        const ComponentRecord* former = plan.former->find(component.name);
        return former != nullptr && former->image_digest == component.image_digest &&
               former->should_run == component.should_run && former->adopted == component.adopted;
      });
}

// Containers of components that the new definition no longer has.
Result<void> Deployer::Transaction::park_removed(const DeployPlan& plan) {
  if (!plan.former || plan.components.size() != record_.service.components.size()) {
    return {};
  }
  for (const ComponentRecord& former : plan.former->components) {
    const bool kept = std::any_of(record_.components.begin(), record_.components.end(),
                                  [&](const auto& c) { return c.container == former.container; });
    if (kept) {
      continue;
    }
    Result<runtime::Container> live = owner_.runtime_.inspect(former.container);
    if (!live) {
      if (live.error().code() != Code::kNotFound) {
        return tl::unexpected(live.error());
      }
      continue;
    }
    journal_.undos.push_back({.kind = Undo::Kind::kUnpark,
                              .container = former.container,
                              .component = former.name,
                              .id = live->id,
                              .was_running = live->state == runtime::State::kRunning});
    MC_TRY(announce("create", former.name, "park: no longer in the definition"));
    MC_TRY(park(*live, former.container));
  }
  return {};
}

Result<void> Deployer::Transaction::park(const runtime::Container& old, const std::string& name) {
  const Result<runtime::Container> stale = owner_.runtime_.inspect(parked_name(name));
  const bool superseded = stale && label(*stale, kLabelService) == record_.service.name &&
                          stale->state != runtime::State::kRunning;
  if (superseded) {
    // Left by a deploy that was committed and could not remove it: another holds the name since.
    MC_TRY(owner_.runtime_.remove(stale->id, true));
  } else if (stale) {
    return fail(Code::kConflict, "container {} is left from a former deploy", parked_name(name))
        .id(model::code::kParkedLeft)
        .hint(text("if it is not needed: podman rm {}; then deploy again", parked_name(name)));
  }
  if (!down_since_ && old.state == runtime::State::kRunning) {
    down_since_ = owner_.env_.clock().mono_now();
  }
  const model::Component* component = record_.service.find(label(old, kLabelComponent));
  const auto grace =
      component != nullptr ? component->stop_timeout : std::chrono::milliseconds(10000);
  MC_TRY(owner_.runtime_.stop(old.id, grace));
  return owner_.runtime_.rename(old.id, parked_name(name));
}

// Registry and journal in one transaction: from here on the deploy only goes forward.
Result<void> Deployer::Transaction::commit(const DeployPlan& plan) {
  step_ = "commit";
  operation_.progress(steps_total_, steps_total_, "", "commit");
  journal_.committed = true;
  Result<void> written =
      owner_.registry_.database().write([&](dsl::db::Transaction& tx) -> Result<void> {
        MC_TRY(owner_.registry_.put_service(tx, record_, plan.actor));
        return operation_.journal(tx, "committed", journal_.to_json());
      });
  journal_.committed = written.has_value();
  return written;
}

void Deployer::Transaction::remove_parked() {
  for (const Undo& undo : journal_.undos) {
    if (undo.kind != Undo::Kind::kUnpark) {
      continue;
    }
    Result<void> removed = owner_.runtime_.remove(undo.id, true);
    if (!removed) {
      removed = owner_.runtime_.remove(undo.id, true);  // left behind it blocks the next deploy
    }
    if (!removed) {
      operation_.notice(
          text("{} not removed: {}", parked_name(undo.container), removed.error().message()));
      operation_.result().add_remaining(text("podman rm -f {}", parked_name(undo.container)));
    }
  }
}

Result<void> Deployer::Transaction::roll_back(Error cause,
                                              const std::optional<ServiceRecord>& former) {
  operation_.result().set_step(step_);
  owner_.events_.add(Severity::kError, "deploy_failed", record_.service.name, "", cause.message());
  const auto report = [&](const Undo& undo, const Result<void>& undone) {
    if (undone) {
      return;
    }
    operation_.result().set_state("needs_attention");
    operation_.result().add_remaining(undo.kind == Undo::Kind::kUnpark
                                          ? text("podman rename {} {} && podman start {}", undo.id,
                                                 undo.container, undo.container)
                                          : text("podman rm -f {}", undo.container));
    cause.add_detail("roll back", undone.error().message());
    cause.set_hint("finish by hand with the commands above, then mcp deploy again");
  };
  std::vector<const Undo*> parked;
  for (auto undo = journal_.undos.rbegin(); undo != journal_.undos.rend(); ++undo) {
    operation_.progress(0, 0, undo->component, "roll back");
    const Result<void> undone = take_back(*undo);
    report(*undo, undone);
    if (undone && undo->kind == Undo::Kind::kUnpark && undo->was_running) {
      parked.push_back(&*undo);
    }
  }
  // In the order of `after` again: the gate of one may need those before it.
  for (auto undo = parked.rbegin(); undo != parked.rend(); ++undo) {
    operation_.progress(0, 0, (*undo)->component, "start the former one");
    report(**undo, start_former(**undo, former));
  }
  if (down_since_) {
    const auto down = owner_.env_.clock().mono_now() - *down_since_;
    operation_.result().set_downtime_ms(
        std::chrono::duration_cast<std::chrono::milliseconds>(down).count());
  }
  if (operation_.result().state().empty()) {
    operation_.result().set_state("rolled_back");
  }
  return tl::unexpected(std::move(cause));
}

// Each undo may be run again, and when its effect never happened. Starts nothing.
Result<void> Deployer::Transaction::take_back(const Undo& undo) {
  if (undo.kind == Undo::Kind::kRemoveDirectory) {
    const Result<void> removed = owner_.env_.files().remove(undo.container);
    (void)removed;  // not empty or never made: then it stays as it is
    return {};
  }
  if (undo.kind == Undo::Kind::kRemoveNew) {
    const Result<runtime::Container> live = owner_.runtime_.inspect(undo.container);
    if (!live) {
      return live.error().code() == Code::kNotFound ? Result<void>() : tl::unexpected(live.error());
    }
    return label(*live, kLabelOperation) == operation_.id() ? owner_.runtime_.remove(live->id, true)
                                                            : Result<void>();
  }
  MC_ASSIGN(const runtime::Container old, owner_.runtime_.inspect(undo.id));
  return old.name == undo.container ? Result<void>()
                                    : owner_.runtime_.rename(old.id, undo.container);
}

Result<void> Deployer::Transaction::start_former(const Undo& undo,
                                                 const std::optional<ServiceRecord>& former) {
  MC_TRY(owner_.runtime_.start(undo.id));
  const model::Component* component = former ? former->service.find(undo.component) : nullptr;
  if (component == nullptr) {
    return {};
  }
  const auto patience = owner_.env_.clock().mono_now() + kFormerPatience;
  const boot::Answer answer = owner_.containers_.wait_for_gate(
      *former, *component, undo.id, [&] { return owner_.env_.clock().mono_now() >= patience; });
  if (!answer.pass) {
    operation_.notice(text("the former {} runs again, but is not healthy either: {}",
                           undo.container, answer.text));
  }
  return {};
}

Result<void> Deployer::Transaction::replay(const OpenOperation& open) {
  Result<Journal> journal = journal_from_json(open.journal);
  if (!journal) {
    operation_.result().set_state("needs_attention");
    journal.error().set_hint("look at its containers with podman ps -a, then mcp deploy again");
    return tl::unexpected(journal.error());
  }
  journal_ = std::move(*journal);
  step_ = open.step;
  record_.service.name = open.service;
  if (journal_.committed) {
    MC_ASSIGN(const std::optional<ServiceRecord> now, owner_.registry_.service(open.service));
    remove_parked();
    if (now) {
      operation_.result().set_generation(now->generation);
      return owner_.mirror_.write(*now);
    }
    return {};
  }
  MC_ASSIGN(const std::optional<ServiceRecord> former, owner_.registry_.service(open.service));
  return roll_back(fail(Code::kUnavailable, "the agent was interrupted during step \"{}\"",
                        open.step.empty() ? "prepare" : open.step)
                       .id(model::code::kOperationInterrupted)
                       .hint("the service is as it was before; deploy again"),
                   former);
}

Result<void> Deployer::Transaction::announce(std::string_view step, std::string_view component,
                                             std::string_view message) {
  step_ = step;
  MC_TRY(operation_.journal(step, journal_.to_json()));
  operation_.progress(++steps_done_, steps_total_, component, message);
  return {};
}

Result<void> Deployer::Transaction::check_cancelled() const {
  if (operation_.cancelled()) {
    return fail(Code::kCancelled, "the deploy was cancelled").id(model::code::kOperationCancelled);
  }
  return {};
}

}  // namespace mcp::agent
