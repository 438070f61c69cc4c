// One probe of one endpoint, by type. Inside this folder only: gate.h is the way in.
#pragma once

#include "dsl/env/env.h"
#include "mcp/boot/gate.h"

namespace mcp::boot {

// Each takes `gate.health.timeout` at most and puts its own type and the endpoint before its words.
Answer probe_dns(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint);
Answer probe_tcp(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint);
Answer probe_http(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint);
Answer probe_grpc(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint);

// "127.0.0.1:53", "[::1]:53"
std::string show(const Endpoint& endpoint);

// Foreign bytes fit for a line of ours: printable ASCII, `bytes_max` of them at most.
std::string printable(std::string_view bytes, std::size_t bytes_max);

}  // namespace mcp::boot
