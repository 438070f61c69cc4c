// A boot run as others see it, and their words to it.
#include <algorithm>
#include <map>

#include "mcp/agent/boot_run.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using boot::Event;
using dsl::Code;
using dsl::fail;
using dsl::text;

bool BootRunner::running() {
  const std::lock_guard lock(mutex_);
  return run_ && !run_->over && !run_->trailing;
}

bool BootRunner::down() const { return down_; }

pb::BootItem BootRunner::item(const Run& run, std::size_t node) const {
  const boot::Node& target = run.engine->graph().nodes[node];
  const boot::NodeStatus& status = run.engine->status(node);
  pb::BootItem item;
  item.set_service(target.service);
  item.set_component(target.component);
  item.set_stage(run.engine->graph().stages[target.stage]);
  item.set_state(std::string(boot::name(status.state)));
  item.set_attempts(status.attempts);
  item.set_gate(status.answer);
  item.set_error(status.error);
  item.set_ms(status.took.count());
  item.set_gate_type(run.by_key.at(target.key).first->service.find(target.component)->health.type);
  for (const std::size_t blocker : status.blocked_by) {
    item.add_blocked_by(run.engine->graph().nodes[blocker].key);
  }
  return item;
}

pb::BootRun BootRunner::describe(const Run& run) const {
  pb::BootRun out;
  out.set_id(run.id);
  out.set_reason(run.reason);
  out.set_state(run.state);
  out.set_stage(run.stage);
  out.set_started_ms(run.started_ms);
  out.set_ended_ms(run.ended_ms);
  for (const pb::BootItem& item : run.items) {
    *out.add_items() = item;
  }
  return out;
}

Result<pb::BootRun> BootRunner::status() {
  {
    const std::lock_guard lock(mutex_);
    if (run_) {
      return describe(*run_);
    }
  }
  return records_.last();
}

Result<pb::BootRun> BootRunner::follow(
    std::int64_t run, bool until_held,
    const std::function<Result<void>(const pb::BootItem&)>& on_item,
    const std::function<bool()>& abandoned) {
  std::uint64_t seen = 0;
  while (!abandoned()) {
    std::vector<std::pair<std::uint64_t, pb::BootItem>> fresh;
    std::optional<pb::BootRun> end;
    {
      std::unique_lock lock(mutex_);
      if (!run_ || run_->id != run) {
        return fail(Code::kNotFound, "boot run {} has been replaced by another", run);
      }
      const bool over = run_->over || (until_held && (run_->trailing || run_->state == "holding"));
      if (run_->version <= seen && !over) {
        (void)env_.clock().wait_until(changed_, lock,
                                      env_.clock().mono_now() + std::chrono::milliseconds(200));
      }
      for (std::size_t node = 0; node < run_->items.size(); ++node) {
        if (run_->versions[node] > seen) {
          fresh.emplace_back(run_->versions[node], run_->items[node]);
        }
      }
      seen = run_->version;
      if (over) {
        end = describe(*run_);
      }
    }
    std::sort(fresh.begin(), fresh.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [version, item] : fresh) {
      MC_TRY(on_item(item));
    }
    if (end) {
      return *end;
    }
  }
  return fail(Code::kCancelled, "the caller has left; boot run {} goes on", run);
}

Result<pb::BootRun> BootRunner::control(const pb::BootControlRequest& request) {
  static const std::map<std::string, Event::Kind> kKinds{{"retry", Event::Kind::kRetry},
                                                         {"skip", Event::Kind::kSkip},
                                                         {"proceed", Event::Kind::kProceed},
                                                         {"abort", Event::Kind::kAbort}};
  const auto kind = kKinds.find(request.action());
  if (kind == kKinds.end()) {
    return fail(Code::kInvalidArgument, "boot control \"{}\" is not known", request.action())
        .hint("retry, skip, proceed or abort");
  }
  std::unique_lock lock(mutex_);
  if (!run_ || run_->over) {
    return fail(Code::kFailedPrecondition, "no boot run is under way")
        .id(model::code::kBootIdle)
        .hint("mcp boot starts one");
  }
  Event event{.kind = kind->second};
  const bool names_item = event.kind == Event::Kind::kRetry || event.kind == Event::Kind::kSkip;
  if (names_item) {
    bool found = false;
    for (std::size_t node = 0; node < run_->items.size(); ++node) {
      const pb::BootItem& item = run_->items[node];
      const std::string key = text("{}/{}", item.service(), item.component());
      if (key == request.component() || (item.service() == request.component() && !found)) {
        event.node = node;
        found = true;
      }
    }
    if (!found) {
      return fail(Code::kNotFound, "no item {} in this boot run", request.component())
          .hint("mcp boot status lists the items as service/component");
    }
  }
  run_->inbox.push_back(std::move(event));
  const std::uint64_t number = ++run_->posted;
  changed_.notify_all();
  const std::int64_t id = run_->id;
  const auto deadline = env_.clock().mono_now() + std::chrono::seconds(5);
  while (run_ && run_->id == id && run_->handled < number &&
         env_.clock().wait_until(changed_, lock, deadline)) {
  }
  if (!run_ || run_->id != id) {
    return fail(Code::kUnavailable, "boot run {} has ended", id);
  }
  return describe(*run_);
}

}  // namespace mcp::agent
