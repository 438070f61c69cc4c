// AgentService over gRPC and REST: the same agent, the same answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "mcp/agent/handlers.h"
#include "mcp/agent/test_node.h"
#include "mcp/v1/agent.pb.h"
#include "support/contract/transport_contract.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

constexpr char kWeb[] = R"(
name = "web"
version = "v1"
depends_on = []
[[components]]
name = "api"
ports = ["127.0.0.1:28443:8443"]
[components.health]
type = "none"
start_period = "0s"
[[components]]
name = "worker"
[components.health]
type = "none"
start_period = "0s"
)";

void set_text(google::protobuf::Message& request, const char* name, const std::string& value) {
  if (const auto* field = request.GetDescriptor()->FindFieldByName(name)) {
    request.GetReflection()->SetString(&request, field, value);
  }
}

// Every other request is for a service that there is. None changes the node, since the second of
// two equal changes has another answer than the first, and none waits for what never comes.
void shape(const std::string& method, int n, google::protobuf::Message& request) {
  const auto* type = request.GetDescriptor();
  const auto& reflection = *request.GetReflection();
  if (n % 2 == 0 || method.ends_with("Watch")) {
    set_text(request, "service", "web");
    set_text(request, "component", n % 4 == 0 ? "" : "api");
    set_text(request, "definition_toml", kWeb);
    set_text(request, "pull", "");
    set_text(request, "resolved_json", "");
    set_text(request, "orphans", "");
  }
  if (const auto* change = type->FindFieldByName("change")) {
    auto& inner = static_cast<pb::Change&>(*reflection.MutableMessage(&request, change));
    inner.clear_request_id();
    inner.set_source("cli");
    inner.set_dry_run(true);
  }
  if (auto* adopt = dynamic_cast<pb::AdoptRequest*>(&request)) {
    adopt->set_target(n % 2 == 0 ? "nothing" : "");
  }
  if (const auto* follow = type->FindFieldByName("follow")) {
    reflection.SetBool(&request, follow, false);
  }
}

// HOUSE-A7: every method of the agent's API that is declared gives over REST the reply and the
// error that it gives over gRPC, for generated requests, streams included.
TEST(AgentContract, GrpcAndRestAgreeForEveryMethod) {
  TestNode node;
  node.runtime.add_image("mcr.test:8443/web:v1");
  node.runtime.add_image("mcr.test:8443/web-worker:v1");
  node.must_deploy("web", kWeb);
  node.core().observer.refresh();
  node.env().use_real_clock();  // streams look up now and then to see who has gone
  HandlerContext context{.env = node.env(),
                         .config = node.config,
                         .core = &node.core(),
                         .started = node.env().clock().now(),
                         .uid = geteuid(),
                         .gid = getegid(),
                         .boot_id = node.boot_id};
  dsl::rpc::MethodTable table;
  add_methods(table, context);
  dsl::rpc::ApiOptions access;
  access.authenticate = [](const dsl::rpc::Peer&) {
    return dsl::Result<dsl::rpc::Caller>(dsl::rpc::Caller{"tester", {"admin"}, "user", "test"});
  };
  access.policy = [](const dsl::rpc::CallContext&, const google::protobuf::Message&) {
    return dsl::Result<void>();
  };
  const auto api = dsl::test::require_ok(
      dsl::rpc::Api::create(dsl::env::system_env(), std::move(table), std::move(access)));
  dsl::test::ContractOptions options;
  options.requests_per_form = 12;
  options.shape = shape;
  options.leave_after = {{"mcp.v1.AgentService.Watch", 2}};

  const auto report = transports_agree(api, options);

  EXPECT_EQ(report.covered, report.declared);
  EXPECT_EQ(report.covered.size(),
            static_cast<std::size_t>(pb::Node::descriptor()->file()->service(0)->method_count()));
  EXPECT_GE(report.replies, 50);
  EXPECT_GE(report.errors, 50);
  std::printf("methods declared: %zu, covered: %zu\n", report.declared.size(),
              report.covered.size());
}

std::string run(const std::vector<std::string>& argv, const std::string& input) {
  const auto output = dsl::test::require_ok(dsl::env::system_env().processes().run(
      {.argv = argv, .input = input}, std::chrono::seconds(20)));
  EXPECT_EQ(output.exit_code, 0) << output.err;
  return output.out;
}

// HOUSE-A8: `mcp-agent openapi | jq .openapi` prints 3.1 and every operation of it is served.
TEST(AgentContract, WhatOpenapiPrintsIsServed) {
  const std::string document = run({MC_AGENT, "openapi"}, "");
  EXPECT_EQ(run({"jq", "-r", ".openapi"}, document), "3.1.0\n");

  TestNode node;
  HandlerContext context{.env = node.env(), .config = node.config, .core = &node.core()};
  dsl::rpc::MethodTable table;
  add_methods(table, context);
  dsl::rpc::ApiOptions access;
  access.authenticate = dsl::rpc::local_authenticator(geteuid(), "");
  const auto api = dsl::test::require_ok(
      dsl::rpc::Api::create(dsl::env::system_env(), std::move(table), std::move(access)));

  EXPECT_EQ(dsl::test::operations_are_served(api, document),
            pb::Node::descriptor()->file()->service(0)->method_count());
}

}  // namespace
}  // namespace mcp::agent::test
