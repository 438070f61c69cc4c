// Health gates: one blocking probe of one component. Gates dial literal addresses and need no
// resolver, no token and no trust store that is not on the node.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
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
//
// - dns: the SOA of `query` (by default the platform's zone) must be answered; with `expect`, an
//   address, that address must be among those of `query`.
// - tcp: `expect` bytes that must come; else the connection must stay open for 300 ms.
// - http, https: `expect` a list of statuses ("200,204", "200-299"); `pin` is refused. Without
//   `expect` 200 to 399 pass, and 503 when the body says "sealed".
// - grpc: certificates are never checked.
struct Gate {
  model::Health health;
  std::vector<Endpoint> endpoints;  // all must pass; dns: each by UDP and by TCP; exec, none: none
  std::string ca_file;  // platform CA; empty or missing = fall back to `any` with a warning
};

// An empty host address of a port is probed on 127.0.0.1; "0.0.0.0" likewise, "::" on ::1. The
// endpoint is `health.port` where it is published, or on 127.0.0.1; without it the first port that
// fits the type, published before allocated. dns takes every address on which that port (53) is
// published. No endpoint when nothing fits: the probe then says so.
Gate gate_for(const model::Service& service, const model::Component& component,
              const std::vector<model::Allocation>& ports, const std::string& ca_file);

struct Answer {
  bool pass = false;
  std::string text;     // "https 127.0.0.1:28443/v1/health: 200 ok", "tcp 127.0.0.1:9: refused"
  std::string status;   // body's status when it has one: "ok", "sealed", "degraded"
  std::string warning;  // "certificate not verified: no platform CA on this node"
};

// `exec` runs the argv of an exec gate in the container; `settled` says whether the container has
// been up without a restart for its start period (gate none).
struct GateHooks {
  std::function<dsl::Result<int>(const std::vector<std::string>& argv, std::chrono::milliseconds)>
      exec;
  std::function<bool()> settled;
};

// Podman's answer to the start is the gate: there is nothing to probe and no time to stay up for.
bool start_is_enough(const model::Health& health);

// One probe, at most about `gate.health.timeout` long for each endpoint (tcp: 300 ms more).
Answer probe(dsl::env::Env& env, const Gate& gate, const GateHooks& hooks);

// Probes until `successes` in a row, `deadline` passes, or `cancelled`: first after 50 ms, doubling
// up to the interval; the gate none first after its start period. The start period is time beyond
// the deadline. `cancelled` is asked at least
// every 100 ms between probes; a probe under way is finished first. Returns the last answer, which
// passes only when all `successes` were reached.
Answer wait_for(dsl::env::Env& env, const Gate& gate, const GateHooks& hooks,
                const std::function<bool()>& cancelled);

// --- parsers of foreign bytes, apart so that they can be fuzzed ---
// RFC 1035 query; empty when `name` is no domain name.
std::string dns_query(std::string_view name, std::uint16_t type, std::uint16_t id);
struct DnsReply {
  bool well_formed = false;
  std::uint16_t id = 0;
  int rcode = 0;
  bool truncated = false;
  int answers = 0;                     // records of class IN in the answer section
  std::vector<std::string> addresses;  // A and AAAA of the answer section
};
// Bounded work for any bytes; not well-formed unless the header, the question and all answers are
// whole. Follows no compression pointer.
DnsReply parse_dns_reply(std::string_view packet);

}  // namespace mcp::boot
