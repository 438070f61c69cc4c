#include "mcp/agent/backup_state.h"

#include <algorithm>

#include "mcp/agent/backup_units.h"
#include "mcp/recovery/records.h"

namespace mcp::agent {

using dsl::Result;
using dsl::text;

namespace {

// When a node without any point was first asked to make one is not known: so it is due at once.
std::string due(const Config& config, const BackupState& state, std::int64_t now_ms) {
  if (config.backup.due_after.count() == 0) {
    return {};
  }
  if (state.last_ms == 0) {
    return "there is no whole backup yet: mcp-agent backup create";
  }
  if (now_ms - state.last_ms > config.backup.due_after.count()) {
    return text(
        "the last whole backup is of {}: mcp-agent backup create",
        dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(state.last_ms))));
  }
  return {};
}

}  // namespace

Result<BackupState> backup_state(dsl::env::Env& env, const Config& config) {
  BackupState state;
  state.configured = !config.backup.targets.empty();
  const std::string path = backup_settings(config).directory + "/" + recovery::kRecordsName;
  MC_ASSIGN(const bool any, env.files().exists(path));
  if (any) {
    MC_ASSIGN(const auto records, recovery::Records::open_as_guest(env, path));
    MC_ASSIGN(const auto points, records->points());
    MC_ASSIGN(const auto copies, records->copies());
    MC_ASSIGN(const auto runs, records->runs());
    state.points = static_cast<std::int64_t>(points.size());
    for (const recovery::PointRow& point : points) {
      const bool stored = std::any_of(copies.begin(), copies.end(), [&](const auto& copy) {
        return copy.point == point.id && copy.error.empty();
      });
      if (point.extent == recovery::Extent::kWhole && stored && point.begun_ms > state.last_ms) {
        state.last_point = point.id;
        state.last_ms = point.begun_ms;
      }
    }
    if (!runs.empty()) {
      state.last_error = runs.front().error;
    }
  }
  if (!state.last_error.empty()) {
    state.alert = text("the last backup failed: {}", state.last_error);
  } else if (state.configured) {
    state.alert = due(config, state, env.clock().now().time_since_epoch().count());
  }
  return state;
}

}  // namespace mcp::agent
