// Answers of the agent as text. Pure: what a test compares with a golden file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;
using dsl::cli::Globals;

// ps
std::string containers_table(const Globals& globals, const pb::ListContainersReply& reply,
                             std::int64_t now_ms);
// list
std::string services_table(const Globals& globals, const pb::ListServicesReply& reply,
                           std::int64_t now_ms);
// ports
std::string ports_table(const Globals& globals, const pb::ListPortsReply& reply);
// sync: a row for each service, its differences below it
std::string sync_table(const Globals& globals, const pb::SyncReply& reply);
// adopt
std::string adopt_table(const Globals& globals, const pb::AdoptReply& reply);

// One line of `events`: time, severity, whom, kind, message. `whom_width` is that of the widest
// name seen so far, and is widened by a wider one.
std::string event_line(const Globals& globals, const pb::Event& event, std::size_t& whom_width);
std::string event_lines(const Globals& globals, const std::vector<pb::Event>& events);
// One finding of `doctor` or `lint`; consequence and way out on lines of their own.
std::string finding_lines(const Globals& globals, const pb::Finding& finding);

}  // namespace mcp::cli
