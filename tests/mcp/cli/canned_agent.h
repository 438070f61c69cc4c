// A server of our own rpc that says what a test wants the agent to say, for what must not depend on
// containers: which requests are made, what becomes of an answer, exit codes.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dsl/rpc/server.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli::test {

namespace pb = mcp::v1;

class CannedAgent {
 public:
  explicit CannedAgent(const std::string& socket);

  // Set before the first call.
  pb::Node node;
  pb::ListContainersReply containers;
  std::map<std::string, pb::ServiceDetail> services;
  std::vector<pb::RecoverEvent> recovery;
  std::vector<pb::Finding> findings;
  pb::Operation deploy_result;  // state "done" when empty
  bool deploy_waits_for_cancel = false;

  std::vector<pb::DeployRequest> deploys();  // received so far
  bool cancelled() const { return cancelled_; }

 private:
  dsl::rpc::MethodTable table();
  dsl::Result<void> deploy(dsl::rpc::CallContext& call, const pb::DeployRequest& request,
                           dsl::rpc::Writer<pb::OperationEvent>& writer);

  std::mutex mutex_;
  std::vector<pb::DeployRequest> deploys_;  // guarded by mutex_
  std::atomic<bool> cancelled_ = false;
  std::unique_ptr<dsl::rpc::Server> server_;
};

}  // namespace mcp::cli::test
