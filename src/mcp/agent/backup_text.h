// What the backup commands print.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "mcp/agent/backup_state.h"
#include "mcp/agent/config.h"
#include "mcp/recovery/backup.h"
#include "mcp/recovery/restore.h"

namespace mcp::agent {

using dsl::Result;

struct ListedPoint {
  std::string id;
  std::int64_t begun_ms = 0;
  std::uint64_t bytes = 0;
  std::string kind;
  std::string state;  // whole, selection, partial; of a target: there, unsigned, incomplete
  std::vector<std::string> units;
  std::vector<std::string> targets;
  std::int64_t verified_ms = 0;
};
ListedPoint listed(const recovery::PointRow& point, const std::vector<recovery::CopyRow>& copies);
ListedPoint listed(const recovery::FoundPoint& point, const std::string& target);

std::string units_table(const dsl::cli::Globals& globals, const recovery::CreateRequest& request);
std::string created_text(const recovery::Created& created);
std::string points_text(const dsl::cli::Globals& globals, dsl::env::WallTime now,
                        const std::vector<ListedPoint>& points);
std::string manifest_text(const dsl::cli::Globals& globals, const recovery::Manifest& manifest);
std::string verified_text(const dsl::cli::Globals& globals,
                          const std::vector<recovery::Backup::Verified>& rows,
                          const std::vector<std::string>& chain_faults);
std::string pruned_text(const dsl::cli::Globals& globals,
                        const std::vector<recovery::Backup::Pruned>& pruned);
std::string plan_text(const dsl::cli::Globals& globals, dsl::env::WallTime now,
                      const recovery::RestorePlan& plan);
std::string restored_text(const recovery::RestorePlan& plan, bool in_place);
// Of `backup schedule`.
std::string schedule_text(const BackupState& state, std::int64_t every_ms, bool is_due);
std::string state_text(const BackupState& state);

boost::json::object to_json(const recovery::Created& created);
boost::json::object to_json(const BackupState& state);

// Where the agent of the point finds archives of images.
std::string images_directory(const Config* config, const recovery::Manifest& manifest);

Result<void> print_file(dsl::env::Env& env, const std::string& path);

}  // namespace mcp::agent
