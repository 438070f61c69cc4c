// A change from its request to its end, with progress on the way.
#pragma once

#include <string>

#include "mcp/cli/context.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::cli {

namespace pb = mcp::v1;

// Calls `method`, which streams OperationEvent; shows progress and notices; returns how it ended.
// Prints no report.
//
// Ctrl-C leaves the operation running and says its id; a second one within a few seconds cancels it
// and waits for the roll back; a third leaves at once. After leaving: kCancelled with the id.
Result<pb::Operation> follow_operation(Context& context, const std::string& method,
                                       const google::protobuf::Message& request);

// Prints the report (or the JSON document) and returns the exit code.
int finish_operation(Context& context, const pb::Operation& operation);

}  // namespace mcp::cli
