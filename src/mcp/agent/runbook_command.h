// mcp-agent runbook
#pragma once

#include <string>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class RunbookCommand {
 public:
  RunbookCommand(dsl::env::Env& env, const dsl::cli::Globals& globals)
      : env_(env), globals_(globals) {}

  dsl::cli::Command command();

 private:
  dsl::Result<int> run();

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  std::string format_ = "md";
};

}  // namespace mcp::agent
