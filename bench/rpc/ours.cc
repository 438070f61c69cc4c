// The echo on dsl::rpc, with everything that a service's calls pass. Prints its address.
#include <cstdio>

#include <unistd.h>

#include "dsl/rpc/server.h"
#include "rpc/echo.pb.h"

int main() {
  dsl::rpc::MethodTable table;
  table.add<bench::rpc::Payload, bench::rpc::Payload>(
      "bench.rpc.EchoService.Echo",
      [](dsl::rpc::CallContext&, const bench::rpc::Payload& request)
          -> dsl::Result<bench::rpc::Payload> { return request; });
  dsl::rpc::ApiOptions access;
  access.authenticate = [](const dsl::rpc::Peer&) -> dsl::Result<dsl::rpc::Caller> {
    return dsl::rpc::Caller{"bench", {}, "user", "token"};
  };
  dsl::env::Env& env = dsl::env::system_env();
  auto api = dsl::rpc::Api::create(env, std::move(table), std::move(access));
  if (!api) {
    std::fprintf(stderr, "%s\n", api.error().render().c_str());
    return 1;
  }
  dsl::rpc::ServerOptions options;
  options.tcp = {"127.0.0.1:0"};
  const auto server = dsl::rpc::Server::start(env, std::move(*api), std::move(options));
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().render().c_str());
    return 1;
  }
  std::printf("%s\n", (*server)->tcp_addresses().front().c_str());
  std::fflush(stdout);
  char scratch = 0;
  (void)!::read(0, &scratch, 1);  // until whoever started it closes its end
  return 0;
}
