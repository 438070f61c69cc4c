// Everything stopped in reverse boot order.
#include "mcp/agent/boot_run.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::chrono::milliseconds kLockWait{600000};

}  // namespace

Result<void> BootRunner::take_down(
    runtime::Runtime& runtime, const std::function<Result<void>(const pb::BootItem&)>& on_item) {
  if (running()) {
    return fail(Code::kConflict, "a boot run is under way")
        .id(model::code::kBootRunning)
        .hint("mcp boot abort ends it");
  }
  MC_ASSIGN(const std::unique_ptr<Run> run, build({.reason = "down"}));
  down_ = true;
  const std::vector<boot::Node>& nodes = run->engine->graph().nodes;
  for (std::size_t node = nodes.size(); node-- > 0;) {
    const auto& [record, component] = run->by_key.at(nodes[node].key);
    MC_ASSIGN(const ServiceLocks::Hold hold,
              locks_.acquire(nodes[node].service, "boot down", kLockWait));
    const auto begun = env_.clock().mono_now();
    const Result<runtime::Container> live = runtime.inspect(component->container);
    if (live) {
      MC_TRY(runtime.stop(live->id, record->service.find(component->name)->stop_timeout));
    } else if (live.error().code() != Code::kNotFound) {
      return tl::unexpected(live.error());
    }
    pb::BootItem row = item(*run, node);
    row.set_state("stopped");
    row.set_ms(
        std::chrono::duration_cast<std::chrono::milliseconds>(env_.clock().mono_now() - begun)
            .count());
    (void)on_item(row);  // whoever asked may have left; half down would be worse
  }
  events_.add(Severity::kInfo, "boot", "", "", "everything stopped in reverse boot order");
  return {};
}

}  // namespace mcp::agent
