// Errors on the wire: a gRPC status plus dsl.v1.ErrorDetail in the trailer `mc-error-bin`.
//
// Free of gRPC, so that fuzz targets and other transports use it as it is.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::rpc {

inline constexpr char kErrorTrailer[] = "mc-error-bin";

// Value of the trailer. At most 4 KiB, because clients refuse trailers of more than 8 KiB in all:
// findings that do not fit are counted in a last one.
std::string encode_error(const Error& error, std::string_view request_id);
// The message that goes beside it in `grpc-message`, at most 1 KiB.
std::string status_message(const Error& error);

// The error that a peer sent. `trailer` is outside input: when it is empty or malformed, the status
// alone decides.
Error decode_error(int grpc_status, std::string message, std::string_view trailer);

}  // namespace dsl::rpc
