#include <set>
#include <string>

#include "dsl/rpc/builtin_services.h"
#include "grpc/health/v1/health.pb.h"

namespace dsl::rpc {

namespace pb = ::grpc::health::v1;

void add_health(MethodTable& table, std::function<bool()> ready) {
  std::set<std::string> services{"", "grpc.health.v1.Health"};
  for (const auto& [name, method] : table.methods()) {
    services.insert(name.substr(0, name.rfind('.')));
  }
  table.add<pb::HealthCheckRequest, pb::HealthCheckResponse>(
      "grpc.health.v1.Health.Check",
      [services = std::move(services), ready = std::move(ready)](
          CallContext&, const pb::HealthCheckRequest& request) -> Result<pb::HealthCheckResponse> {
        if (services.count(request.service()) == 0) {
          return fail(Code::kNotFound, "no service {} here", request.service());
        }
        pb::HealthCheckResponse response;
        response.set_status(ready() ? pb::HealthCheckResponse::SERVING
                                    : pb::HealthCheckResponse::NOT_SERVING);
        return response;
      });
}

}  // namespace dsl::rpc
