#include "mcp/cli/canned_agent.h"

#include <unistd.h>

#include "support/result_matchers.h"

namespace mcp::cli::test {

using dsl::Result;
using dsl::rpc::CallContext;
using dsl::rpc::Writer;

namespace {

const std::string kService = "mcp.v1.AgentService.";
constexpr std::chrono::milliseconds kTick{10};

pb::Node default_node() {
  pb::Node node;
  node.set_name("rift");
  (*node.mutable_addresses())["lan"] = "192.168.88.181";
  node.set_registry_state("ready");
  pb::Platform& platform = *node.mutable_platform();
  platform.set_registry("registry.test:5000");
  platform.set_service_zone("svc.test");
  for (const char* stage : {"foundation", "core", "management", "services"}) {
    platform.add_stages(stage);
  }
  platform.add_volume_roots("/srv");
  platform.set_data_root("/srv");
  return node;
}

}  // namespace

CannedAgent::CannedAgent(const std::string& socket) : node(default_node()) {
  dsl::env::Env& env = dsl::env::system_env();
  dsl::rpc::ApiOptions access;
  access.authenticate = dsl::rpc::local_authenticator(getuid(), "");
  access.policy = [](const CallContext&, const google::protobuf::Message&) -> Result<void> {
    return {};
  };
  auto api = dsl::test::require_ok(dsl::rpc::Api::create(env, table(), std::move(access)));
  dsl::rpc::ServerOptions options;
  options.local_socket = socket;
  server_ = dsl::test::require_ok(dsl::rpc::Server::start(env, std::move(api), std::move(options)));
}

std::vector<pb::DeployRequest> CannedAgent::deploys() {
  const std::lock_guard lock(mutex_);
  return deploys_;
}

Result<void> CannedAgent::deploy(CallContext& call, const pb::DeployRequest& request,
                                 Writer<pb::OperationEvent>& writer) {
  {
    const std::lock_guard lock(mutex_);
    deploys_.push_back(request);
  }
  pb::OperationEvent event;
  event.set_operation_id("a1b2c3");
  MC_TRY(writer.write(event));
  event.mutable_progress()->set_step(1);
  event.mutable_progress()->set_total(2);
  event.mutable_progress()->set_component("api");
  event.mutable_progress()->set_message("start");
  MC_TRY(writer.write(event));
  while (deploy_waits_for_cancel && !cancelled_ && !call.cancelled()) {
    dsl::env::system_env().clock().sleep_for(kTick);
  }
  *event.mutable_result() = deploy_result;
  event.mutable_result()->set_service(request.service());
  if (deploy_result.state().empty()) {
    event.mutable_result()->set_kind("deploy");
    event.mutable_result()->set_state(cancelled_ ? "rolled_back" : "done");
  }
  return writer.write(event);
}

dsl::rpc::MethodTable CannedAgent::table() {
  dsl::rpc::MethodTable table;
  table.add<pb::GetNodeRequest, pb::Node>(
      kService + "GetNode",
      [this](CallContext&, const pb::GetNodeRequest&) -> Result<pb::Node> { return node; });
  table.add<pb::ListContainersRequest, pb::ListContainersReply>(
      kService + "ListContainers",
      [this](CallContext&, const pb::ListContainersRequest&) -> Result<pb::ListContainersReply> {
        return containers;
      });
  table.add<pb::GetServiceRequest, pb::ServiceDetail>(
      kService + "GetService",
      [this](CallContext&, const pb::GetServiceRequest& request) -> Result<pb::ServiceDetail> {
        const auto found = services.find(request.service());
        if (found == services.end()) {
          return dsl::fail(dsl::Code::kNotFound, "service {} is not registered on this node",
                           request.service());
        }
        return found->second;
      });
  table.add_stream<pb::DeployRequest, pb::OperationEvent>(
      kService + "Deploy",
      [this](CallContext& call, const pb::DeployRequest& request,
             Writer<pb::OperationEvent>& writer) { return deploy(call, request, writer); });
  table.add<pb::CancelOperationRequest, pb::Operation>(
      kService + "CancelOperation",
      [this](CallContext&, const pb::CancelOperationRequest&) -> Result<pb::Operation> {
        cancelled_ = true;
        return pb::Operation();
      });
  table.add_stream<pb::RecoverRequest, pb::RecoverEvent>(
      kService + "Recover",
      [this](CallContext&, const pb::RecoverRequest&,
             Writer<pb::RecoverEvent>& writer) -> Result<void> {
        for (const pb::RecoverEvent& event : recovery) {
          MC_TRY(writer.write(event));
        }
        return {};
      });
  table.add_stream<pb::DoctorRequest, pb::Finding>(
      kService + "Doctor",
      [this](CallContext&, const pb::DoctorRequest&, Writer<pb::Finding>& writer) -> Result<void> {
        for (const pb::Finding& finding : findings) {
          MC_TRY(writer.write(finding));
        }
        return {};
      });
  return table;
}

}  // namespace mcp::cli::test
