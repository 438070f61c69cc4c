// `mcp-agent backup key ...`: who can read the backups, and what signs them.
#pragma once

#include <string>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/backup_access.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class BackupKeyCommands {
 public:
  BackupKeyCommands(dsl::env::Env& env, const dsl::cli::Globals& globals, BackupAccess& access)
      : env_(env), globals_(globals), access_(access) {}
  BackupKeyCommands(const BackupKeyCommands&) = delete;
  BackupKeyCommands& operator=(const BackupKeyCommands&) = delete;

  dsl::cli::Command command();

 private:
  Result<int> create();
  Result<int> add();
  Result<int> remove();
  Result<int> list();
  Result<int> rotate();
  Result<recovery::KeyStore> store() const;

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  BackupAccess& access_;
  std::string out_;
  std::string recipient_;
  std::string note_;
};

}  // namespace mcp::agent
