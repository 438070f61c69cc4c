#include "dsl/transcode/exchange.h"
#include "dsl/transcode/rest_call.h"
#include "dsl/transcode/transcode.h"

namespace dsl::transcode {

namespace {

// As many as gRPC serves by default.
constexpr std::size_t kEventStreamsMax = 64;
// A message of gRPC may have 4 MiB; its JSON may be twice as long.
constexpr std::size_t kBodyMax = 8u << 20;

rpc::Level level_of(http::Access access) {
  switch (access) {
    case http::Access::kPublic:
      return rpc::Level::kPublic;
    case http::Access::kUser:
      return rpc::Level::kUser;
    case http::Access::kSystem:
      return rpc::Level::kSystem;
    case http::Access::kAdmin:
      return rpc::Level::kAdmin;
    case http::Access::kPolicy:
      return rpc::Level::kPolicy;
    case http::Access::kUnset:
      break;
  }
  return rpc::Level::kNobody;
}

}  // namespace

Result<std::vector<http::Route>> routes(const std::shared_ptr<const rpc::Api>& api) {
  MC_ASSIGN(std::vector<Binding> bindings, make_bindings(api->table()));
  const auto events = std::make_shared<WorkerPool>(
      "rest-events", WorkerPool::Limits{.threads_max = kEventStreamsMax, .queue_max = 0});
  std::vector<http::Route> routes;
  for (Binding& binding : bindings) {
    http::Route route;
    route.method = binding.verb;
    route.pattern = binding.pattern;
    // The chain decides, with the caller's token and the request in hand: the router only passes
    // the call on.
    route.access = http::Access::kPublic;
    route.body_max = kBodyMax;
    route.timeout = std::chrono::milliseconds(0);  // the Api's default deadline is the one rule
    route.streams = binding.method->server_streaming();
    route.handle = [api, events, binding = std::move(binding)](http::Exchange& exchange) {
      serve_call(*api, binding, *events, exchange);
    };
    routes.push_back(std::move(route));
  }
  return routes;
}

Result<void> add_routes(http::Router& router, const std::shared_ptr<const rpc::Api>& api) {
  MC_ASSIGN(std::vector<http::Route> all, routes(api));
  for (http::Route& route : all) {
    router.add(std::move(route));
  }
  return {};
}

std::function<Result<void>(http::Access, http::Exchange&)> authorizer(
    std::shared_ptr<const rpc::Api> api) {
  return [api = std::move(api)](http::Access access, http::Exchange& exchange) -> Result<void> {
    MC_TRY(api->admit(peer_of(exchange), level_of(access),
                      text("{} {}", exchange.method(), exchange.path())));
    return {};
  };
}

}  // namespace dsl::transcode
