// `mcp-agent recover-data`: finds what services have lost of their data and brings it back, from
// replicas and from the newest point, then their containers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/backup_access.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"
#include "mcp/recovery/unit_recovery.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class RecoverDataCommand {
 public:
  // Brings the containers of these services back (all, when empty); the process's exit code.
  using RecoverContainers = std::function<Result<int>(const std::vector<std::string>& services)>;

  RecoverDataCommand(dsl::env::Env& env, const dsl::cli::Globals& globals,
                     RecoverContainers recover_containers)
      : env_(env),
        globals_(globals),
        access_(env, globals),
        recover_containers_(std::move(recover_containers)) {}
  RecoverDataCommand(const RecoverDataCommand&) = delete;
  RecoverDataCommand& operator=(const RecoverDataCommand&) = delete;

  dsl::cli::Command command();

 private:
  // A point whose manifest was read.
  struct FromPoint {
    recovery::FoundPoint point;
    recovery::Manifest manifest;
  };
  struct Unit {
    recovery::UnitPlace place;
    std::vector<recovery::UnitReplica> replicas;
    std::optional<std::size_t> point;  // index into points_
    recovery::UnitLosses losses;
    std::optional<recovery::UnitRecovery> plan;
    std::optional<dsl::Error> error;  // why this one cannot be looked at, or not come back
  };

  Result<int> run();
  Result<void> check_request(const Config& config) const;
  Result<void> open_points();
  Result<void> open_first_target(const BackupAccess::Place& place);
  Result<std::optional<std::size_t>> point_with(const std::string& unit);
  Result<std::vector<Unit>> look(const Config& config, Registry& registry);
  Result<void> look_at(const Config& config, Unit& unit);
  const recovery::Manifest* manifest_of(const Unit& unit) const;
  // What of its losses is to be brought back.
  recovery::UnitLosses wanted(const Unit& unit) const;
  void make_plan(Unit& unit);
  struct Fetched;
  Result<void> fetch(const Unit& unit, Fetched& fetched);
  Result<void> bring_back(const Config& config, Registry& registry, Unit& unit);
  Result<void> start_halted(const Config& config, Registry& registry, const Unit& unit);
  void print_plan(const std::vector<Unit>& units) const;
  std::string outcome_text(const Unit& unit) const;
  Result<bool> confirm(const std::vector<Unit>& units) const;
  Result<int> end(const Config& config, bool all_went_well);

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  BackupAccess access_;
  const RecoverContainers recover_containers_;
  std::vector<std::string> services_;
  bool without_point_ = false;
  bool without_replicas_ = false;

  std::optional<BackupAccess::Place> place_;
  std::unique_ptr<recovery::Target> target_;
  recovery::ReadKeys keys_;
  std::vector<recovery::FoundPoint> found_;  // newest first
  std::size_t looked_at_ = 0;                // of them; what was read is in points_
  std::vector<FromPoint> points_;
};

}  // namespace mcp::agent
