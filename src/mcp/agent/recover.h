// `mcp agent recover`: bring back what the registry wants, whatever podman has forgotten.
//
// Plan first, then: end processes that outlived podman's record of them, release the names that
// only the image store still holds, load missing images from archives, and walk the boot engine.
// Never pulls unless told, never deletes an image, a volume or a file, never changes a definition.
#pragma once

#include <string>
#include <vector>

#include "mcp/agent/boot_runner.h"
#include "mcp/agent/config.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/events.h"
#include "mcp/agent/operations.h"
#include "mcp/agent/registry.h"
#include "mcp/boot/planner.h"

namespace mcp::agent {

struct RecoverOptions {
  std::vector<std::string> services;  // empty = all
  std::string orphans = "report";     // report, remove
  Pull pull = Pull::kNever;
};

// Thread-safe.
class Recovery {
 public:
  Recovery(dsl::env::Env& env, const Config& config, Registry& registry, runtime::Runtime& runtime,
           Containers& containers, BootRunner& boot, EventLog& events, ServiceLocks& locks)
      : env_(env),
        config_(config),
        registry_(registry),
        runtime_(runtime),
        containers_(containers),
        boot_(boot),
        events_(events),
        locks_(locks) {}

  // Looks, changes nothing.
  Result<boot::Plan> plan(const RecoverOptions& options);

  // The work of the operation: carries `plan` out and reports the boot items as they change.
  Result<void> run(const boot::Plan& plan, const RecoverOptions& options,
                   const std::string& boot_id, OperationContext& operation);

 private:
  Result<void> end_lost(const boot::Plan& plan, std::vector<runtime::Container> lost,
                        const std::string& operation_id);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  runtime::Runtime& runtime_;
  Containers& containers_;
  BootRunner& boot_;
  EventLog& events_;
  ServiceLocks& locks_;
};

pb::PlanRow to_proto(const boot::PlanStep& step);

}  // namespace mcp::agent
