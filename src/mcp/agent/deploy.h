// The deploy transaction: afterwards the service runs behind its gates, or is as it was before.
//
// Every effect is preceded by its undo in the operation's journal, so that a crash at any instant
// is replayed to the old state (before the commit) or the new one (after it).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/events.h"
#include "mcp/agent/mirror.h"
#include "mcp/agent/operations.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

// A deploy that has passed its checks and may begin.
struct DeployPlan {
  ServiceRecord record;                 // generation = the stored one + 1; ports chosen
  std::optional<ServiceRecord> former;  // what the registry holds now
  std::vector<std::string> components;  // to look at; the others keep their containers
  Pull pull = Pull::kNever;
  bool wait = true;
  bool prefer_digest = false;  // a rollback
  bool backup = true;          // of the data, before another version takes its place
  std::string actor;
};

// Thread-safe.
class Deployer {
 public:
  Deployer(dsl::env::Env& env, const Config& config, Registry& registry, Mirror& mirror,
           runtime::Runtime& runtime, Containers& containers, SocketKeeper& sockets,
           EventLog& events);

  // Parses and resolves the definition, or takes the generation of a rollback; compares with what
  // the caller resolved; checks generation, ports and dependencies. Changes nothing.
  Result<DeployPlan> plan(const pb::DeployRequest& request, const std::string& actor);

  // The work of the operation.
  Result<void> run(const DeployPlan& plan, OperationContext& operation);

  // Ends what a crash left open: back before the commit, forward after it.
  Result<void> replay(const OpenOperation& open, OperationContext& operation);

  // Called before the first container of a service is touched whose version or image changes; an
  // error ends the deploy with nothing changed. Set before the first deploy.
  void on_upgrade(std::function<Result<void>(const std::string&, OperationContext&)> hook) {
    before_upgrade_ = std::move(hook);
  }

  // Called with the service's name when a deploy has ended well, also one that changed nothing. Set
  // before the first deploy; must return soon.
  void on_deployed(std::function<void(const std::string&)> hook) { deployed_ = std::move(hook); }

 private:
  class Transaction;

  void tell_deployed(const std::string& service) const {
    if (deployed_) {
      deployed_(service);
    }
  }

  std::function<void(const std::string&)> deployed_;
  std::function<Result<void>(const std::string&, OperationContext&)> before_upgrade_;
  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  Mirror& mirror_;
  runtime::Runtime& runtime_;
  Containers& containers_;
  SocketKeeper& sockets_;
  EventLog& events_;
};

}  // namespace mcp::agent
