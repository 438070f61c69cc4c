// Boot runs and recovery plans as text. Pure.
#pragma once

#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

// The run's outline, and a table of its items by stage: state, time, attempts, the gate's answer,
// or what blocks it.
std::string boot_page(const dsl::cli::Globals& globals, const pb::BootRun& run,
                      std::int64_t now_ms);
// The table alone.
std::string boot_table(const dsl::cli::Globals& globals,
                       const google::protobuf::RepeatedPtrField<pb::BootItem>& items);
// "mcr/api healthy after 1.2 s": an item that changed.
std::string boot_item_line(const dsl::cli::Globals& globals, const pb::BootItem& item);

// 0 done, 7 still running or holding, 1 aborted.
int boot_exit_code(const pb::BootRun& run);

std::string plan_table(const dsl::cli::Globals& globals, const std::vector<pb::PlanRow>& rows);
// True for what recover only reports or keeps.
bool changes_nothing(const pb::PlanRow& row);

}  // namespace mcp::cli
