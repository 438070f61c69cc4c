// `mcp-agent rebuild` as a command: the plan as a table, then the deed, with the agent stopped.
#pragma once

#include <string>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/rebuild.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class RebuildCommand {
 public:
  RebuildCommand(dsl::env::Env& env, const dsl::cli::Globals& globals)
      : env_(env), globals_(globals) {}
  RebuildCommand(const RebuildCommand&) = delete;
  RebuildCommand& operator=(const RebuildCommand&) = delete;

  dsl::cli::Command command();

 private:
  Result<int> run();
  Result<int> from_replica(const Config& config);
  Result<int> from_remains(const Config& config, const std::string& boot_id);
  Result<void> check_former(const Config& config);
  void tell_of_replica(const Config& config);
  void print(const RebuildPlan& plan, const Rebuilt* rebuilt);

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  std::string from_ = "auto";
  std::string definitions_;
  std::string prefer_;
  bool replace_ = false;
};

}  // namespace mcp::agent
