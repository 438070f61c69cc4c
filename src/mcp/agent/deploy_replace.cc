// The part of a deploy that touches containers: park the old one, create, start, gate.
#include <algorithm>

#include "mcp/agent/deploy_transaction.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr int kLogTailLines = 20;

}  // namespace

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
  MC_TRY(owner_.containers_.start(record_, component, record->container_id));
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

}  // namespace mcp::agent
