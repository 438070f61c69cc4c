#include "rest/node_api.h"

#include "dsl/env/env.h"
#include "rest/node.pb.h"

namespace bench {

namespace {

rest::Node node() {
  rest::Node node;
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

}  // namespace

dsl::Result<std::shared_ptr<dsl::rpc::Api>> node_api() {
  dsl::rpc::MethodTable table;
  table.add<rest::GetNodeRequest, rest::Node>(
      "bench.rest.NodeService.GetNode",
      [](dsl::rpc::CallContext&, const rest::GetNodeRequest&) -> dsl::Result<rest::Node> {
        return node();
      });
  dsl::rpc::ApiOptions access;
  access.authenticate = [](const dsl::rpc::Peer&) -> dsl::Result<dsl::rpc::Caller> {
    return dsl::rpc::Caller{"bench", {}, "user", "token"};
  };
  return dsl::rpc::Api::create(dsl::env::system_env(), std::move(table), std::move(access));
}

}  // namespace bench
