// `mcp-agent backup ...`: on the node itself, with the server running or not.
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/backup_access.h"
#include "mcp/agent/backup_key_commands.h"
#include "mcp/agent/backup_restore_commands.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class BackupCommands {
 public:
  BackupCommands(dsl::env::Env& env, const dsl::cli::Globals& globals)
      : env_(env),
        globals_(globals),
        access_(env, globals),
        keys_(env, globals, access_),
        restore_(env, globals, access_) {}
  BackupCommands(const BackupCommands&) = delete;
  BackupCommands& operator=(const BackupCommands&) = delete;

  dsl::cli::Command command();

 private:
  std::vector<dsl::cli::Command> making();
  std::vector<dsl::cli::Command> looking();
  Result<int> create();
  Result<int> list();
  Result<int> show();
  Result<int> print_one(recovery::Target& target, const BackupAccess::Place& place,
                        const recovery::FoundPoint& point, const recovery::ReadKeys& keys);
  Result<int> verify();
  Result<int> prune();
  Result<int> rescan();
  Result<int> status();
  Result<int> schedule();
  Result<recovery::CreateRequest> request(const Config& config) const;

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  BackupAccess access_;
  BackupKeyCommands keys_;
  BackupRestoreCommands restore_;
  std::vector<std::string> services_;
  std::vector<std::string> tags_;
  std::string point_;
  std::string path_;
  std::string images_;
  std::string format_ = "age";
  bool scheduled_ = false;
  std::chrono::milliseconds keep_{0};
  bool deep_ = false;
  bool run_missed_ = false;
};

}  // namespace mcp::agent
