// How the backup commands get at points: which target, which keys. Looking at points and unpacking
// them elsewhere needs no configuration, so it works on any machine.
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/recovery/backup.h"

namespace mcp::agent {

using dsl::Result;

// Holds what the options write to: must outlive `cli::run`, like the globals.
class BackupAccess {
 public:
  BackupAccess(dsl::env::Env& env, const dsl::cli::Globals& globals)
      : env_(env), globals_(globals) {}
  BackupAccess(const BackupAccess&) = delete;
  BackupAccess& operator=(const BackupAccess&) = delete;

  dsl::cli::Option from();
  dsl::cli::Option passphrase_file(const std::string& help);
  // All that a command takes which reads points.
  std::vector<dsl::cli::Option> reading();

  // The configuration, inside the user's namespace: this command is run anew there.
  Result<Config> config_inside() const;
  Result<std::unique_ptr<recovery::Backup>> open_backup(const Config& config) const;

  // Where points are looked for, and where fetched ones lie meanwhile: a directory that is not
  // there yet, of this process alone.
  struct Place {
    std::vector<std::string> urls;
    recovery::SshOptions ssh;
    std::string scratch;
  };
  // --from, or the targets of the configuration.
  Result<Place> place() const;
  bool has_from() const { return !from_.empty(); }
  bool has_identity() const { return !identity_.empty() || !passphrase_file_.empty(); }

  enum class Signer {
    kRequired,  // --signer, or the keys of this node
    kIfKnown,   // the same, when there are any
    kIgnored,
  };
  Result<recovery::ReadKeys> keys(Signer signer) const;
  // Of --passphrase-file, else asked on the terminal.
  Result<dsl::Secret> passphrase() const;
  bool has_passphrase_file() const { return !passphrase_file_.empty(); }

  // "latest" is the newest whose files are all there. kNotFound.
  Result<recovery::FoundPoint> find(recovery::Target& target, const std::string& id) const;
  // The manifest beside the archive. Nothing that was fetched for it is left behind.
  Result<recovery::Manifest> manifest_of(recovery::Target& target, const Place& place,
                                         const recovery::FoundPoint& point,
                                         const recovery::ReadKeys& keys) const;

 private:
  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  std::string from_;
  std::string identity_;
  std::string signer_;
  std::string passphrase_file_;
};

}  // namespace mcp::agent
