// One file of this machine on its way into a service's directory.
#pragma once

#include <functional>
#include <string>

#include "mcp/cli/context.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

struct Push {
  std::string source;  // path on this machine
  std::string service;
  std::string path;  // as BeginPutFileRequest has it
  // Told a few times a second. `sent` counts what was there before.
  std::function<void(std::int64_t sent, std::int64_t size)> progress;
};

// What it has become; with --dry-run what it would. An attempt that broke off goes on where it was.
// kCancelled at Ctrl-C.
Result<pb::FileState> push_file(Context& context, const Push& push);

}  // namespace mcp::cli
