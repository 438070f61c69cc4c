// RUNBOOK.md beside the registry: how to bring this node's services back by hand, always there
// before it is needed.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"
#include "mcp/model/runbook.h"

namespace mcp::agent {

// What the registry and this host say, in the order of a boot. `as_of` is the time of the last
// change, or of `changed_ms` when that is later.
Result<model::Runbook> gather_runbook(dsl::env::Env& env, const Config& config, Registry& registry,
                                      std::int64_t changed_ms = 0);

// In one of the forms md, html and txt; "" = md. kInvalidArgument for another.
Result<std::string> render_runbook(const model::Runbook& runbook, const std::string& format);

// Thread-safe. The file is replaced whole.
class RunbookFile {
 public:
  RunbookFile(dsl::env::Env& env, const Config& config, Registry& registry)
      : env_(env), config_(config), registry_(registry) {}

  // The registry has changed. A failure is logged and no more: what was deployed runs, and the
  // former page is still there.
  void changed();
  // Writes the page if there is none, or another: at the start.
  void repair();

  // As the file, in any form.
  Result<std::string> page(const std::string& format);

 private:
  void write();

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  std::mutex writing_;  // so that what is written last is the newest
  std::atomic<std::int64_t> changed_ms_ = 0;
};

}  // namespace mcp::agent
