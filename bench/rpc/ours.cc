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
  dsl::rpc::ServerOptions options;
  options.tcp = {"127.0.0.1:0"};
  options.authenticate = [](const dsl::rpc::Peer&) -> dsl::Result<dsl::rpc::Caller> {
    return dsl::rpc::Caller{"bench", {}, "user", "token"};
  };
  const auto server = dsl::rpc::Server::start(dsl::env::system_env(), std::move(table), options);
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
