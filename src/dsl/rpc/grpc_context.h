// What a call says of itself in gRPC's words, and how it ends in them.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "dsl/result/result.h"
#include "dsl/rpc/active_call.h"
#include "dsl/rpc/grpc_call.h"

namespace dsl::rpc {

// `peer` as it was known before the headers were read.
CallStart call_start(CallHost& host, const grpc::CallbackServerContext& context, std::string method,
                     Peer peer);

// Reads a request; kInvalidArgument when the bytes are none of its type.
Result<void> parse_request(grpc::ByteBuffer& bytes, Message& request);

// The status for `error`; its trailer is added to the call's.
grpc::Status refuse(grpc::CallbackServerContext& context, const Error& error,
                    const std::string& request_id);

}  // namespace dsl::rpc
