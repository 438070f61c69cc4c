// The ways out of a deploy: the parked containers go (forward), or everything is taken back.
#include "mcp/agent/deploy_transaction.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;

namespace {

// Of a roll back, for the former container's gate: it ran before, so that it needs no full
// deadline.
constexpr std::chrono::seconds kFormerPatience{30};

}  // namespace

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
  // First: the former one may publish what was held for its successor.
  owner_.sockets_.keep_only(record_.service.name, former ? &former->service : nullptr);
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
  const model::Component* component = former ? former->service.find(undo.component) : nullptr;
  if (component != nullptr) {
    MC_TRY(owner_.sockets_.hold(former->service, *component));
  }
  MC_TRY(owner_.runtime_.start(undo.id));
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
      owner_.tell_deployed(open.service);
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

}  // namespace mcp::agent
