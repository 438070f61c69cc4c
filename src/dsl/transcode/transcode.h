// REST from the method table: every method with (dsl.v1.http) answers as gRPC does, through the
// same chain.
//
//   http::Router router;
//   MC_TRY(transcode::add_routes(router, api));
//   http::ServerOptions options;
//   options.authorize = transcode::authorizer(api);
//   options.error_reply = transcode::http_error_reply;
//
// Path and query set fields: dotted names, a repeated field by repeated keys, enums by name or
// short name, Timestamp, Duration, FieldMask and wrappers as their JSON without quotes. What is
// unknown, given twice, of another type, or a body where none belongs is 400 and names the field.
// JSON is the proto3 mapping with original field names; see json_message.h.
//
// Server streams are NDJSON, a message a line, or server-sent events where the client accepts
// text/event-stream. An error after the first message is the last line, or an event named "error".
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "dsl/http/server.h"
#include "dsl/rpc/api.h"

namespace dsl::transcode {

// kInternal with every fault when a declaration cannot be served: a path or body that names no
// suitable field, two methods with one path.
Result<std::vector<http::Route>> routes(const std::shared_ptr<const rpc::Api>& api);
Result<void> add_routes(http::Router& router, const std::shared_ptr<const rpc::Api>& api);

// The one shape of errors:
//   {"error": message, "code": name, "hint": ..., "details": [...], "request_id": ...}
// with "id" when the error is in a catalogue.
http::Reply http_error_reply(const Error& error, std::string_view request_id);

// Decides raw routes by the chain's authenticator and rules.
std::function<Result<void>(http::Access, http::Exchange&)> authorizer(
    std::shared_ptr<const rpc::Api> api);

}  // namespace dsl::transcode
