// mcp-agent as a server: one agent for one registry, under the one uid that owns the containers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/endpoint/endpoint.h"
#include "dsl/service/service.h"
#include "mcp/agent/handlers.h"

namespace mcp::agent {

// The parts of an agent without its server: what `server` and a local `recover` share.
//
// Refuses to open when the uid is not the recorded one (MCP-0301) or another agent holds the
// registry (MCP-0502). A damaged registry is no refusal: `core` is then null, and says why.
struct Opened {
  std::unique_ptr<dsl::env::FileLock> lock;
  std::unique_ptr<Core> core;
  dsl::Error registry_error{dsl::Code::kUnavailable, "not opened"};
  std::string boot_id;
};
Result<Opened> open_core(dsl::env::Env& env, const Config& config);

// The lock that one process at a time holds over the registry and its folder (MCP-0502).
Result<std::unique_ptr<dsl::env::FileLock>> lock_registry(dsl::env::Env& env, const Config& config,
                                                          const std::string& boot_id);
// kFailedPrecondition (MCP-0501) for a registry that nobody has said is the right one yet: no
// container is touched then.
Result<void> require_initialized(Registry& registry);

class Agent : public dsl::service::Service {
 public:
  // `globals` outlives it; they say which file the configuration is read from.
  explicit Agent(const dsl::cli::Globals& globals) : globals_(globals) {}

  void configure(dsl::config::Table& table) override { config_.bind(table); }
  void adopt(dsl::service::ActivatedSockets& sockets) override;
  Result<void> start(dsl::env::Env& env) override;
  std::vector<std::string> listeners() const override;
  Result<void> reloaded(const std::vector<std::string>& changed_keys) override;
  Result<void> refresh() override;
  Result<std::string> openapi() override;
  void stop(std::chrono::milliseconds grace) override;

  const Config& config() const { return config_; }

 private:
  void add_checks();
  void add_backup_metrics();

  const dsl::cli::Globals& globals_;
  Config config_;
  Opened opened_;
  std::unique_ptr<HandlerContext> context_;
  dsl::service::ActivatedSockets sockets_;
  std::unique_ptr<dsl::endpoint::Endpoint> face_;
};

}  // namespace mcp::agent
