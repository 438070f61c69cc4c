// doctor, status and recover on the node itself: they work with the server running (through its
// socket) and without it. rebuild works without it only. stdio lets a remote mcp in.
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "dsl/restore/commands.h"
#include "mcp/agent/config.h"
#include "mcp/agent/doctor_command.h"
#include "mcp/agent/rebuild_command.h"
#include "mcp/agent/runbook_command.h"

namespace mcp::agent {

// Holds what the options write to: must outlive `cli::run`, like the globals.
class LocalCommands {
 public:
  LocalCommands(dsl::env::Env& env, const dsl::cli::Globals& globals)
      : env_(env),
        globals_(globals),
        doctor_(env, globals),
        rebuild_(env, globals),
        runbook_(env, globals) {}
  LocalCommands(const LocalCommands&) = delete;
  LocalCommands& operator=(const LocalCommands&) = delete;

  std::vector<dsl::cli::Command> list();
  // What `restore` and `replica` want to know.
  dsl::Result<dsl::restore::Settings> restore_settings() const;
  // `recover` for these services; empty = all.
  dsl::Result<int> recover_containers(const std::vector<std::string>& services) {
    services_ = services;
    shows_plan_ = globals_.output != dsl::cli::Output::kJson;
    return recover();
  }

 private:
  dsl::Result<int> status();
  dsl::Result<int> recover();
  dsl::Result<int> stdio();

  dsl::env::Env& env_;
  const dsl::cli::Globals& globals_;
  DoctorCommand doctor_;
  RebuildCommand rebuild_;
  RunbookCommand runbook_;
  std::vector<std::string> services_;
  std::string orphans_ = "report";
  std::string socket_;
  bool shows_plan_ = true;
};

// The configuration file that is used without --config.
inline constexpr const char* kDefaultConfig = "/srv/mcp/mcp-agent.toml";
// Reads `file`, or that one when it is empty.
dsl::Result<Config> load_config(dsl::env::Env& env, const std::string& file);

}  // namespace mcp::agent
