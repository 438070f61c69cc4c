// `mcp-agent backup ...`: on the node itself, with the server running or not. Looking at points and
// unpacking them elsewhere needs no configuration, so it works on any machine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/recovery/backup.h"
#include "mcp/recovery/restore.h"

namespace mcp::agent {

using dsl::Result;

// Holds what the options write to: must outlive `cli::run`, like the globals.
class BackupCommands {
 public:
  BackupCommands(dsl::env::Env& env, const dsl::cli::Globals& globals)
      : env_(env), globals_(globals) {}
  BackupCommands(const BackupCommands&) = delete;
  BackupCommands& operator=(const BackupCommands&) = delete;

  dsl::cli::Command command();

 private:
  // Where points are looked for, and where fetched ones lie meanwhile.
  struct Place {
    std::vector<std::string> urls;
    recovery::SshOptions ssh;
    std::string scratch;
  };

  dsl::cli::Command key_command();
  Result<int> create();
  Result<int> list();
  Result<int> show();
  Result<int> verify();
  Result<int> restore();
  Result<int> undo();
  Result<int> prune();
  Result<int> rescan();
  Result<int> status();
  Result<int> create_key();
  Result<int> add_key();
  Result<int> remove_key();
  Result<int> list_keys();
  Result<int> rotate_key();

  Result<Config> config() const;
  Result<std::unique_ptr<recovery::Backup>> open_backup(const Config& config) const;
  // --from, or the targets of the configuration.
  Result<Place> place() const;
  // The newest whole point for "latest".
  Result<recovery::FoundPoint> find_point(recovery::Target& target, const std::string& id) const;
  Result<recovery::ReadKeys> read_keys(bool signer_required) const;
  Result<recovery::Manifest> listing_of(recovery::Target& target, const Place& place,
                                        const recovery::FoundPoint& point,
                                        const recovery::ReadKeys& keys) const;
  Result<dsl::Secret> passphrase() const;
  Result<int> restore_foreign();
  Result<int> restore_point(recovery::Target& target, const Place& place);
  Result<void> remember_points(const std::string& url, const Place& place,
                               const recovery::RestorePlan& plan);
  Result<bool> confirm(const recovery::RestorePlan& plan) const;

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  std::vector<std::string> services_;
  std::vector<std::string> tags_;
  std::vector<std::string> roots_;
  std::string point_;
  std::string path_;
  std::string from_;
  std::string identity_;
  std::string signer_;
  std::string passphrase_file_;
  std::string to_;
  std::string images_;
  std::string format_ = "age";
  std::string out_;
  std::string recipient_;
  std::string note_;
  bool scheduled_ = false;
  bool deep_ = false;
  bool in_place_ = false;
  bool older_ok_ = false;
  bool allow_unsigned_ = false;
};

}  // namespace mcp::agent
