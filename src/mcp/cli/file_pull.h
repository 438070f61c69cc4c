// A file of a service on its way to this machine.
#pragma once

#include <functional>
#include <string>

#include "mcp/cli/context.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

struct Pull {
  std::string service;
  std::string path;  // as GetFileRequest has it
  std::string to;    // path on this machine; "-" = stdout
  std::function<void(std::int64_t got, std::int64_t size)> progress;
};

// What it was on the node. The file at `to` is replaced once all of it is here, or not at all.
// kCancelled at Ctrl-C.
Result<pb::FileState> pull_file(Context& context, const Pull& pull);

}  // namespace mcp::cli
