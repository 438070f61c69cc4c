// gRPC's own messages, which would else go to stderr between our log lines.
#pragma once

namespace dsl::rpc {

// Sends them to the log, component "grpc": errors as warnings, the rest as debug. Cheap to repeat.
void route_grpc_log();

}  // namespace dsl::rpc
