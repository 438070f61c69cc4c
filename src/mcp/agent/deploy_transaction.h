// One run of a deploy: what Deployer does between its plan and its result. Private to deploy*.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/agent/deploy.h"
#include "mcp/agent/journal.h"

namespace mcp::agent {

// The name under which a container waits until its successor is committed.
inline std::string parked_name(const std::string& container) { return container + ".prev"; }

// One run of a deploy. Confined to its operation's thread.
class Deployer::Transaction {
 public:
  Transaction(Deployer& owner, OperationContext& operation)
      : owner_(owner), operation_(operation) {}

  Result<void> run(const DeployPlan& plan);
  Result<void> replay(const OpenOperation& open);

 private:
  struct Replacement {
    const model::Component* component = nullptr;
    runtime::Image image;
    std::optional<runtime::Container> old;
    bool keep = false;
  };

  Result<void> forward(const DeployPlan& plan);
  Result<void> prepare(const DeployPlan& plan);
  Result<void> prepare_component(const DeployPlan& plan, const model::Component& component);
  Result<void> make_default_directory(const DeployPlan& plan, const model::Component& component);
  Result<void> replace(const DeployPlan& plan, Replacement& replacement);
  Result<void> wait_for_gate(const model::Component& component, const std::string& id);
  bool nothing_changed(const DeployPlan& plan) const;
  bool is_upgrade(const DeployPlan& plan) const;
  Result<void> back_up(const DeployPlan& plan);
  Result<void> park_removed(const DeployPlan& plan);
  Result<void> park(const runtime::Container& old, const std::string& name);
  Result<void> commit(const DeployPlan& plan);
  void remove_parked();
  Result<void> roll_back(dsl::Error cause, const std::optional<ServiceRecord>& former);
  Result<void> take_back(const Undo& undo);
  Result<void> start_former(const Undo& undo, const std::optional<ServiceRecord>& former);
  Result<void> announce(std::string_view step, std::string_view component,
                        std::string_view message);
  Result<void> check_cancelled() const;

  Deployer& owner_;
  OperationContext& operation_;
  ServiceRecord record_;
  std::vector<Replacement> replacements_;
  Journal journal_;
  std::string step_;
  int steps_done_ = 0;
  int steps_total_ = 0;
  std::optional<dsl::env::MonoTime> down_since_;
};

}  // namespace mcp::agent
