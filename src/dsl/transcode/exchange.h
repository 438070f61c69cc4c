// What REST reads of an HTTP request beside its fields.
#pragma once

#include <string>
#include <string_view>

#include "dsl/http/server.h"
#include "dsl/rpc/call.h"

namespace dsl::transcode {

std::string header_of(const http::Exchange& exchange, std::string_view name);
// Address, and the bearer token of the Authorization header.
rpc::Peer peer_of(const http::Exchange& exchange);
// The whole body. kInvalidArgument when it is declared to be something else than JSON.
Result<std::string> read_body(http::Exchange& exchange);
// Whether the client names text/event-stream among what it accepts (RFC 9110 section 12.5.1).
bool wants_events(const http::Exchange& exchange);

}  // namespace dsl::transcode
