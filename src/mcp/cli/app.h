// The `mcp` program.
#pragma once

#include "dsl/env/env.h"

namespace mcp::cli {

// Parses, runs, prints; returns the process's exit code.
int run(dsl::env::Env& env, int argc, const char* const* argv);

}  // namespace mcp::cli
