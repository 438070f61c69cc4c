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
  // A point, and where its files lie.
  struct FromPoint {
    recovery::FoundPoint point;
    recovery::Manifest manifest;
  };
  struct Unit {
    recovery::UnitPlace place;
    std::vector<recovery::UnitReplica> replicas;
    std::optional<std::size_t> point;  // index into points_
    recovery::UnitLosses losses;
  };

  Result<int> run();
  Result<void> open_points();
  Result<std::optional<std::size_t>> point_with(const std::string& unit);
  Result<std::vector<Unit>> look(const Config& config, Registry& registry);
  bool is_wanted(const Unit& unit) const;
  Result<recovery::UnitRecovery> plan(const Unit& unit);
  Result<void> bring_back(const Config& config, Registry& registry, const Unit& unit,
                          recovery::UnitRecovery recovery);
  void print_plan(const std::vector<Unit>& units,
                  const std::vector<recovery::UnitRecovery>& plans) const;
  Result<bool> confirm(const std::vector<recovery::UnitRecovery>& plans) const;

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  BackupAccess access_;
  const RecoverContainers recover_containers_;
  std::vector<std::string> services_;
  bool without_point_ = false;

  std::optional<BackupAccess::Place> place_;
  std::unique_ptr<recovery::Target> target_;
  recovery::ReadKeys keys_;
  std::vector<recovery::FoundPoint> found_;  // newest first
  std::size_t looked_at_ = 0;                // of them; what was read is in points_
  std::vector<FromPoint> points_;
};

}  // namespace mcp::agent
