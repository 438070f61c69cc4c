// What the workers of a boot run do for a node: make its container run, look at its gate.
#include "dsl/log/log.h"
#include "mcp/agent/boot_run.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using boot::Event;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.boot");
constexpr std::chrono::milliseconds kLockWait{600000};

}  // namespace

void BootRunner::prepare(Run& run, std::size_t node) {
  const boot::Node& target = run.engine->graph().nodes[node];
  Event event{.kind = Event::Kind::kPrepared, .node = node};
  Result<ServiceLocks::Hold> hold =
      locks_.acquire(target.service, text("boot run {}", run.id), kLockWait);
  if (!hold) {
    event.error = hold.error().message();
    post(run, std::move(event));
    return;
  }
  Result<std::optional<ServiceRecord>> fresh = registry_.service(target.service);
  if (!fresh) {
    event.error = fresh.error().message();
    post(run, std::move(event));
    return;
  }
  const ComponentRecord* component = *fresh ? (*fresh)->find(target.component) : nullptr;
  if (component == nullptr || !component->should_run || !(*fresh)->service.active) {
    post(run, {.kind = Event::Kind::kSkip, .node = node});  // stopped or undeployed meanwhile
    post(run, std::move(event));
    return;
  }
  run.current[node] = std::make_shared<const ServiceRecord>(**fresh);
  Result<Containers::Brought> brought = containers_.bring_up(**fresh, *component);
  if (brought) {
    run.container_ids[node] = brought->id;
    run.just_started[node] = brought->created || brought->started ? 1 : 0;
    const Result<void> saved = registry_.set_container(target.service, target.component,
                                                       brought->id, brought->image_digest);
    if (!saved) {
      logger.failure(dsl::log::Level::kError, "container id not recorded", saved.error());
    }
  } else {
    event.kind = brought.error().id() == model::code::kImageMissing ? Event::Kind::kImageMissing
                                                                    : Event::Kind::kPrepared;
    event.error = brought.error().message();
    if (!brought.error().hint().empty()) {
      event.error += text(" ({})", brought.error().hint());
    }
  }
  post(run, std::move(event));
}

void BootRunner::gate(Run& run, std::size_t node, bool recheck) {
  const boot::Node& target = run.engine->graph().nodes[node];
  // A node that a former agent left healthy was not prepared in this process.
  const ServiceRecord* record =
      run.current[node] ? run.current[node].get() : run.by_key.at(target.key).first;
  const model::Component& spec = *record->service.find(target.component);
  const std::string& id = run.container_ids[node];
  boot::Answer answer;
  if (recheck) {
    answer = containers_.probe_gate(*record, spec, id);
  } else if (run.just_started[node] != 0 && boot::start_is_enough(spec.health)) {
    answer = {.pass = true, .text = "none: started"};
  } else {
    answer = containers_.wait_for_gate(*record, spec, id, [&] { return stopping_ || run.aborted; });
  }
  post(run, {.kind = recheck ? Event::Kind::kRechecked : Event::Kind::kGate,
             .node = node,
             .error = answer.pass ? "" : answer.text,
             .answer = answer.warning.empty() ? answer.text
                                              : text("{} ({})", answer.text, answer.warning)});
}

}  // namespace mcp::agent
