// What must be so before a restore touches what is live, and who is stopped for it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/recovery/restore.h"

namespace mcp::agent {

using dsl::Result;

// Id of the refusal to replace newer data by older.
inline constexpr const char* kOlderThanLive = "backup.older";

// Containers of the service that run now, by label: whether the agent does or not.
Result<std::vector<std::string>> running_containers(dsl::env::Env& env, const std::string& service);

// Whether the agent of this configuration serves its socket.
bool agent_answers(dsl::env::Env& env, const Config& config);

class RestoreGuard {
 public:
  struct Options {
    bool in_place = false;  // running services are stopped, and started again
    bool older_ok = false;
  };
  // `config` is null on a machine that has none: then nothing of the platform runs on it.
  RestoreGuard(dsl::env::Env& env, const Config* config, const recovery::RestorePlan& plan,
               Options options);
  ~RestoreGuard();

  // kPermissionDenied with id kOlderThanLive; kConflict when the agent or a service of the plan
  // runs and may not be stopped. Holds the registry's lock from then on where the plan has the
  // agent, so that none starts meanwhile.
  Result<void> check();
  Result<void> stop_services();
  bool has_stopped() const { return !stopped_.empty(); }
  // It was stopped before, and is to run afterwards.
  void start_too(const std::string& service) { stopped_.push_back(service); }
  Result<void> start_services();

 private:
  Result<void> check_age() const;
  Result<void> check_agent(const recovery::RestoreStep& step);
  Result<void> call(const std::string& method, const std::string& service) const;

  dsl::env::Env& env_;
  const Config* const config_;
  const recovery::RestorePlan& plan_;
  const Options options_;
  std::unique_ptr<dsl::env::FileLock> registry_lock_;
  std::vector<std::string> to_stop_;
  std::vector<std::string> stopped_;
};

}  // namespace mcp::agent
