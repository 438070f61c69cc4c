// The client commands, a family a file. What they write their options to lives as long as they.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/cli/cli.h"
#include "mcns/cli/context.h"

namespace mcns::cli {

// For dsl::cli::App: the options beside the globals, the commands in the order of the help page,
// and the live names for completion ("zone", "type").
std::vector<dsl::cli::Option> options(Context& context);
std::vector<dsl::cli::Command> commands(Context& context);
std::vector<std::string> live_names(Context& context, std::string_view source);

dsl::cli::Command zone_command(Context& context);    // zone list, show, create, update, delete
dsl::cli::Command record_command(Context& context);  // record list, get, add, set, rm
std::vector<dsl::cli::Command> zonefile_commands(Context& context);  // apply import export
std::vector<dsl::cli::Command> history_commands(Context& context);   // diff history rollback
dsl::cli::Command forward_command(Context& context);                 // forward list, set, rm
dsl::cli::Command cache_command(Context& context);                   // cache stats, flush
dsl::cli::Command explain_command(Context& context);
dsl::cli::Command tail_command(Context& context);
dsl::cli::Command status_command(Context& context);
dsl::cli::Command doctor_command(Context& context);
dsl::cli::Command resolv_conf_command(Context& context);
std::vector<dsl::cli::Command> upkeep_commands(Context& context);  // check seed snapshot
dsl::cli::Command token_command(Context& context);                 // token add, list, rm
dsl::cli::Command grant_command(Context& context);                 // grant add, list, rm

// Where the running server is asked for a successor, and how long it waits for one.
struct UpgradeSettings {
  std::string socket;
  std::chrono::milliseconds timeout{30000};
};
// Not among `commands`: only the binary as a whole knows the server's configuration.
dsl::cli::Command upgrade_command(Context& context,
                                  std::function<Result<UpgradeSettings>()> settings);

}  // namespace mcns::cli
