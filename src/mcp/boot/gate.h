// Health gates: one blocking probe of one component. Gates dial literal addresses and need no
// resolver, no token and no trust store that is not on the node.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/model/model.h"

namespace mcp::boot {

struct Endpoint {
  std::string ip;
  std::uint16_t port = 0;
};

// A gate with its addresses worked out from published and allocated ports.
struct Gate {
  model::Health health;
  std::vector<Endpoint> endpoints;  // all must pass; dns: each by UDP and by TCP
  std::string ca_file;  // platform CA; empty or missing = fall back to `any` with a warning
};

// An empty host address of a port is probed on 127.0.0.1; "0.0.0.0" likewise.
Gate gate_for(const model::Service& service, const model::Component& component,
              const std::vector<model::Allocation>& ports, const std::string& ca_file);

struct Answer {
  bool pass = false;
  std::string text;     // "https 127.0.0.1:28443/v1/health: 200 ok", "tcp 127.0.0.1:9: refused"
  std::string status;   // body's status when it has one: "ok", "sealed", "degraded"
  std::string warning;  // "certificate not verified: no platform CA on this node"
};

// `exec` runs the argv of an exec gate in the container; `running` says whether the container has
// been up without a restart for 3 s (gate none).
struct GateHooks {
  std::function<dsl::Result<int>(const std::vector<std::string>& argv, std::chrono::milliseconds)>
      exec;
  std::function<bool()> settled;
};

// One probe, at most `gate.health.timeout` long for each endpoint.
Answer probe(dsl::env::Env& env, const Gate& gate, const GateHooks& hooks);

// Probes until `successes` in a row, `deadline` passes, or `cancelled`: first after 50 ms, doubling
// up to the interval. Returns the last answer.
Answer wait_for(dsl::env::Env& env, const Gate& gate, const GateHooks& hooks,
                const std::function<bool()>& cancelled);

// --- parsers of foreign bytes, apart so that they can be fuzzed ---
// RFC 1035 query for `name` (type SOA, or A when `expect` asks for an address).
std::string dns_query(std::string_view name, std::uint16_t type, std::uint16_t id);
struct DnsReply {
  bool well_formed = false;
  std::uint16_t id = 0;
  int rcode = 0;
  int answers = 0;
  std::vector<std::string> addresses;  // A and AAAA of the answer section
};
DnsReply parse_dns_reply(std::string_view packet);

}  // namespace mcp::boot
