// The same answer from a method of the table, through the whole chain and transcoding.
//
// usage: rest_transcoded_server CERT KEY     prints its address, serves until its stdin ends
#include <cstdio>

#include "dsl/transcode/transcode.h"
#include "rest/node.pb.h"
#include "serve.h"

namespace {

bench::rest::Node node() {
  bench::rest::Node node;
  node.set_name("rift");
  node.set_role("node");
  node.set_version("1.4.0");
  node.mutable_started()->set_seconds(1775205900);
  node.mutable_started()->set_nanos(250'000'000);
  node.set_services(12);
  node.set_healthy(12);
  node.add_addresses("192.168.88.181");
  node.add_addresses("100.95.252.120");
  return node;
}

dsl::Result<dsl::http::Router> routes() {
  dsl::rpc::MethodTable table;
  table.add<bench::rest::GetNodeRequest, bench::rest::Node>(
      "bench.rest.NodeService.GetNode",
      [](dsl::rpc::CallContext&,
         const bench::rest::GetNodeRequest&) -> dsl::Result<bench::rest::Node> { return node(); });
  dsl::rpc::ApiOptions access;
  access.authenticate = [](const dsl::rpc::Peer&) -> dsl::Result<dsl::rpc::Caller> {
    return dsl::rpc::Caller{"bench", {}, "user", "token"};
  };
  MC_ASSIGN(auto api,
            dsl::rpc::Api::create(dsl::env::system_env(), std::move(table), std::move(access)));
  dsl::http::Router router;
  MC_TRY(dsl::transcode::add_routes(router, std::move(api)));
  return router;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: rest_transcoded_server CERT KEY\n", stderr);
    return 2;
  }
  auto router = routes();
  if (!router) {
    std::fprintf(stderr, "%s\n", router.error().render().c_str());
    return 1;
  }
  return bench::serve(std::move(*router), argv[1], argv[2]);
}
