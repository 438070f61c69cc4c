// How the backups of a node stand, from what is written down: for `mcp status`, metrics and alerts.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"

namespace mcp::agent {

struct BackupState {
  bool configured = false;  // there are targets
  std::int64_t points = 0;
  std::string last_point;  // the newest whole one that a target has
  std::int64_t last_ms = 0;
  std::string last_error;  // of the last run; empty = it went well
  std::string alert;       // what an operator has to look at; empty = nothing
};

// Reads as a guest beside whoever writes.
dsl::Result<BackupState> backup_state(dsl::env::Env& env, const Config& config);

}  // namespace mcp::agent
