// `mcp-agent backup restore` and `undo`.
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/backup_access.h"
#include "mcp/recovery/restore.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class BackupRestoreCommands {
 public:
  BackupRestoreCommands(dsl::env::Env& env, const dsl::cli::Globals& globals, BackupAccess& access)
      : env_(env), globals_(globals), access_(access) {}
  BackupRestoreCommands(const BackupRestoreCommands&) = delete;
  BackupRestoreCommands& operator=(const BackupRestoreCommands&) = delete;

  std::vector<dsl::cli::Command> list();

 private:
  dsl::cli::Command restore_command();
  Result<int> restore();
  Result<int> undo();
  Result<int> restore_foreign();
  Result<int> restore_point(recovery::Target& target, const BackupAccess::Place& place);
  Result<void> enter(recovery::Target& target, const BackupAccess::Place& place,
                     const recovery::FoundPoint& point, const recovery::ReadKeys& keys,
                     const Config* config) const;
  Result<recovery::RestoreRequest> request(const Config* config,
                                           const recovery::Manifest& manifest) const;
  Result<void> remember_points(const std::string& url, const BackupAccess::Place& place,
                               const recovery::RestorePlan& plan);
  Result<void> confirm(const recovery::RestorePlan& plan) const;
  bool in_place() const { return to_.empty(); }

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  BackupAccess& access_;
  std::string point_;
  std::vector<std::string> services_;
  std::vector<std::string> roots_;
  std::string to_;
  std::string images_ = "used";
  bool stop_services_ = false;
  bool older_ok_ = false;
  bool allow_unsigned_ = false;
};

}  // namespace mcp::agent
