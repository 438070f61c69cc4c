#include "mcp/agent/deploy.h"

#include <algorithm>

#include <unistd.h>

#include "dsl/log/log.h"
#include "mcp/agent/deploy_transaction.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.deploy");
constexpr std::uint64_t kFreeBytesMin = 256u << 20;

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

}  // namespace

Deployer::Deployer(dsl::env::Env& env, const Config& config, Registry& registry, Mirror& mirror,
                   runtime::Runtime& runtime, Containers& containers, SocketKeeper& sockets,
                   EventLog& events)
    : env_(env),
      config_(config),
      registry_(registry),
      mirror_(mirror),
      runtime_(runtime),
      containers_(containers),
      sockets_(sockets),
      events_(events) {}

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
    owner_.tell_deployed(record_.service.name);
    return {};
  }
  const Result<void> mirrored = owner_.mirror_.write(record_);
  if (!mirrored) {
    logger.failure(dsl::log::Level::kError, "mirror not written", mirrored.error());
    operation_.notice(text("mirror not written: {}", mirrored.error().message()));
  }
  // What the former generation had and this one has not; all, where nobody is to answer there.
  owner_.sockets_.keep_only(record_.service.name,
                            record_.service.active ? &record_.service : nullptr);
  remove_parked();
  operation_.result().set_generation(record_.generation);
  owner_.events_.add(Severity::kInfo, "deploy", record_.service.name, "",
                     text("deployed generation {}", record_.generation));
  owner_.tell_deployed(record_.service.name);
  return {};
}

Result<void> Deployer::Transaction::forward(const DeployPlan& plan) {
  MC_TRY(prepare(plan));
  MC_TRY(back_up(plan));
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

// Another version, or other bytes under the same name.
bool Deployer::Transaction::is_upgrade(const DeployPlan& plan) const {
  if (!plan.former) {
    return false;
  }
  return plan.former->service.version != record_.service.version ||
         std::any_of(record_.components.begin(), record_.components.end(),
                     [&](const ComponentRecord& component) {
                       const ComponentRecord* former = plan.former->find(component.name);
                       return former != nullptr && former->image_digest != component.image_digest;
                     });
}

Result<void> Deployer::Transaction::back_up(const DeployPlan& plan) {
  if (!plan.backup || !owner_.before_upgrade_ || !is_upgrade(plan)) {
    return {};
  }
  step_ = "backup";
  return owner_.before_upgrade_(record_.service.name, operation_);
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
  if (record_.service.active) {
    MC_TRY(owner_.sockets_.check(record_.service, component,
                                 plan.former ? &plan.former->service : nullptr));
  }

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
