// A backup of a service right before a new version of it takes its place.
#pragma once

#include <chrono>
#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/operations.h"

namespace mcp::agent {

// Such points are kept so long whatever the retention rules say.
inline constexpr std::chrono::hours kPreUpgradeKept{14 * 24};

// Thread-safe.
class PreUpgrade {
 public:
  PreUpgrade(dsl::env::Env& env, const Config& config) : env_(env), config_(config) {}

  // Makes a point of the service's data, by `mcp-agent backup create` in a process of its own; a
  // node without targets has none made. What is in its way is a notice: no key, an agent that may
  // not enter the user's namespace (no-new-privileges), a part that could not be read.
  // kFailedPrecondition when no point was stored: then nothing was changed.
  Result<void> make_point(const std::string& service, OperationContext& operation) const;

 private:
  dsl::env::Env& env_;
  const Config& config_;
};

}  // namespace mcp::agent
