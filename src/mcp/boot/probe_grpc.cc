#include "dsl/rpc/client.h"
#include "grpc/health/v1/health.pb.h"
#include "mcp/boot/probes.h"

namespace mcp::boot {

namespace {

using dsl::text;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

}  // namespace

Answer probe_grpc(dsl::env::Env&, const Gate& gate, const Endpoint& endpoint) {
  const model::Health& health = gate.health;
  const std::string subject =
      text("grpc {}{}: ", show(endpoint), health.service.empty() ? "" : " " + health.service);
  Answer answer;
  const bool plain = health.tls == "off";
  if (health.tls == "verify") {
    answer.warning = "certificate not verified: a grpc gate checks none";
  }
  const auto channel = plain ? dsl::rpc::Channel::open(show(endpoint))
                             : dsl::rpc::Channel::open_unverified_tls(show(endpoint));
  HealthCheckRequest request;
  request.set_service(health.service);
  const auto reply = channel->call<HealthCheckResponse>("grpc.health.v1.Health.Check", request,
                                                        {.timeout = health.timeout});
  if (!reply) {
    answer.text = subject + reply.error().message();
    return answer;
  }
  answer.pass = reply->status() == HealthCheckResponse::SERVING;
  answer.text = subject + (HealthCheckResponse::ServingStatus_IsValid(reply->status())
                               ? HealthCheckResponse::ServingStatus_Name(reply->status())
                               : text("status {}", static_cast<int>(reply->status())));
  return answer;
}

}  // namespace mcp::boot
