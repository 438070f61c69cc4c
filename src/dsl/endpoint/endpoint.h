// The network face of a service: one table of methods as gRPC and REST over TLS 1.3, and on the
// local socket; health, readiness, metrics and the OpenAPI document beside it.
//
//   endpoint::Config config;                  // bound to [socket], [server] and [metrics]
//   MC_ASSIGN(auto face, endpoint::Endpoint::open(env, config, std::move(table),
//                                                 {.service = "mcns", .authenticate = ...}));
//
// Without a certificate only the local socket is served: it asks for no TLS, no token and no
// network, and is the way in when any of these is what is broken.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dsl/config/config.h"
#include "dsl/env/env.h"
#include "dsl/health/health.h"
#include "dsl/http/server.h"
#include "dsl/metrics/metrics.h"
#include "dsl/rpc/api.h"
#include "dsl/service/activation.h"
#include "dsl/transcode/openapi.h"

namespace dsl::endpoint {

// The keys that every service has. Defaults are the service's to set before `bind`.
struct Config {
  std::string socket_path;
  std::string socket_group;  // whose members may use the socket; empty = none
  std::string grpc_addr;     // "192.0.2.7:9444", ":9444" = every address; empty = none
  std::string rest_addr;
  std::string tls_cert;  // PEM files; empty = no network face
  std::string tls_key;
  std::string metrics_addr;  // plain and on loopback: /metrics, /v1/health, /v1/ready; empty = none

  void bind(config::Table& table);
};

struct Options {
  std::string service;              // names the metrics: "mcp_agent"
  transcode::OpenApiInfo about;     // heads /v1/openapi.json
  rpc::Authenticator authenticate;  // required
  rpc::Policy policy;               // of methods with level POLICY; absent = they are denied
  std::vector<http::Route> routes;  // raw ones, beside those of the table
  std::chrono::hours expiry_warning{14 * 24};  // a certificate with less to live is not ready
  // Handlers at once, of gRPC and of REST; 0 = as many as they choose by themselves. More than
  // there are cores where handlers mostly wait: for a commit that many of them share, say.
  int workers = 0;
  // A certificate that is missing, damaged or expired ends most services (kInvalidArgument). What
  // others need to come back, the CA among them, serves its local socket all the same.
  bool serves_without_certificate = false;
};

// Sockets that a unit may hand over; each takes the place of the address of the same name.
// gRPC 1.51 takes none.
inline constexpr const char* kRestSocket = "rest";
inline constexpr const char* kMetricsSocket = "metrics";

// Thread-safe, apart from `open` and `stop`.
class Endpoint {
 public:
  // Opens no listener yet: health checks and metrics can be added until `serve`.
  static Result<std::unique_ptr<Endpoint>> open(env::Env& env, const Config& config,
                                                rpc::MethodTable table, Options options);
  virtual ~Endpoint() = default;

  virtual health::Health& health() = 0;
  virtual metrics::Registry& metrics() = 0;

  // Listens; `sockets` may be empty. The errors of the listeners: kConflict for a taken port, ...
  virtual Result<void> serve(service::ActivatedSockets& sockets) = 0;
  // "unix /srv/mcp/admin.sock", "grpc 0.0.0.0:9444", "https 0.0.0.0:9445", "http 127.0.0.1:9446".
  virtual std::vector<std::string> listeners() const = 0;
  // Reads the certificate again; an error leaves the one in use.
  virtual Result<void> refresh() = 0;
  // Says "not ready" from now on, and goes on answering.
  virtual void drain() = 0;
  // Drains, lets accepted calls end until `grace` has passed, then cuts them. Returns once every
  // handler has returned.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace dsl::endpoint
