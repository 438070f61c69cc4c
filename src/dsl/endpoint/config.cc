#include "dsl/endpoint/endpoint.h"

namespace dsl::endpoint {

void Config::bind(config::Table& table) {
  table.text("socket.path", &socket_path).help("local socket for the CLI (break-glass access)");
  table.text("socket.group", &socket_group).help("group whose members may use it; empty = none");
  table.text("server.grpc_addr", &grpc_addr)
      .help("gRPC over TLS 1.3: address:port, or :port for every address; empty = none");
  table.text("server.rest_addr", &rest_addr).help("REST over TLS 1.3, likewise");
  table.text("server.tls_cert", &tls_cert)
      .help("PEM chain, leaf first; empty = the local socket only");
  table.text("server.tls_key", &tls_key).help("PEM private key of tls_cert");
  table.text("metrics.addr", &metrics_addr)
      .help("plain HTTP on loopback for /metrics, /v1/health and /v1/ready; empty = none");
  table.check([this]() -> Result<void> {
    if (tls_cert.empty() != tls_key.empty()) {
      return fail(Code::kInvalidArgument, "server.tls_cert and server.tls_key belong together")
          .hint("set both, or neither to serve the local socket only");
    }
    return {};
  });
}

}  // namespace dsl::endpoint
