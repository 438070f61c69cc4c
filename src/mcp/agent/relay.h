// The remote break-glass: bytes between a pair of descriptors (of an ssh session) and the agent's
// local socket. The agent sees the user who runs this, by the kernel's word.
#pragma once

#include <string>

#include "dsl/result/result.h"

namespace mcp::agent {

using dsl::Result;

// Connects to the unix socket at `path` and carries bytes both ways, 64 KiB at most on the way in
// each direction, until the agent has ended the connection or nobody reads `out` any more. The end
// of `in` is passed on, and what the agent still says after it is carried. Blocks; `in` and `out`
// are put into non-blocking mode meanwhile. SIGPIPE must be ignored.
//
// kUnavailable when nobody serves the socket, kPermissionDenied when the caller may not use it.
Result<void> relay(const std::string& path, int in, int out);

}  // namespace mcp::agent
