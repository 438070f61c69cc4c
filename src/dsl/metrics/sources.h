// Where the default metrics of every service come from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/http/server.h"
#include "dsl/metrics/metrics.h"
#include "dsl/rpc/api.h"
#include "dsl/tls/tls.h"

namespace dsl::metrics {

// The registry outlives what it is given to; so do `env` and the credentials.

// process_cpu_seconds_total, process_resident_memory_bytes, process_open_files_count,
// process_start_time_seconds.
void add_process(Registry& registry, env::Env& env);
// rpc_calls_total{method, code} and rpc_duration_seconds{method}, over whatever transport.
void add_rpc(Registry& registry, rpc::Api& api);
// http_requests_total{route, method, protocol, status} and http_duration_seconds{route}: what
// http::ServerOptions::on_done is to be set to.
std::function<void(const http::ServerOptions::Done&)> add_http(Registry& registry);
// tls_certificate_expiry_days{subject}: negative once it has expired.
void add_tls(Registry& registry, env::Env& env, const tls::ServerCredentials& credentials);

// GET /metrics.
http::Route route(Registry& registry, http::Access access);

}  // namespace dsl::metrics
