// One question to a resolver, by UDP, to see whether it answers at all.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcp::agent {

// Asks for the SOA of "com."; any well-formed reply of RFC 1035 is an answer, since it shows that
// somebody listens who is not ours. Waits 2 s at most, asking twice: one lost datagram is no
// finding. kUnavailable, kDeadlineExceeded, kInvalidArgument (no literal address).
dsl::Result<void> ask_resolver(dsl::env::Env& env, const std::string& ip, std::uint16_t port = 53);

}  // namespace mcp::agent
