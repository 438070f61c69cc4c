// How a change ended, for people and for the shell.
#pragma once

#include <string>

#include "dsl/cli/cli.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

// It did what was asked.
bool succeeded(const pb::Operation& operation);

// One line when it did: state, generation, downtime, time taken. Otherwise the failed step, the
// last answer, the container's last log lines, what holds now, and the hint.
std::string operation_report(const dsl::cli::Globals& globals, const pb::Operation& operation);

// 0 done; 7 when part of it is done; else the agent's own code, or 1.
int operation_exit_code(const pb::Operation& operation);

}  // namespace mcp::cli
