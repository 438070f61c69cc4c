#include "dsl/rpc/grpc_context.h"

#include <algorithm>

#include <grpcpp/impl/codegen/proto_utils.h>

#include "dsl/rpc/error_detail.h"

namespace dsl::rpc {

namespace {

std::string metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto found = all.find(key);
  return found == all.end() ? std::string()
                            : std::string(found->second.data(), found->second.size());
}

std::string bearer_token(const grpc::CallbackServerContext& context) {
  constexpr std::string_view kScheme = "Bearer ";
  std::string value = metadata(context, "authorization");
  return value.starts_with(kScheme) ? value.substr(kScheme.size()) : std::string();
}

// The client's deadline on our monotonic clock; MonoTime::max() when it set none.
env::MonoTime deadline_of(CallHost& host, const grpc::CallbackServerContext& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return env::MonoTime::max();
  }
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  const auto duration = std::chrono::seconds(std::min<std::int64_t>(left.tv_sec, 1LL << 31)) +
                        std::chrono::nanoseconds(left.tv_nsec);
  return host.env.clock().mono_now() + duration;
}

}  // namespace

CallStart call_start(CallHost& host, const grpc::CallbackServerContext& context, std::string method,
                     Peer peer) {
  peer.token = bearer_token(context);
  return {.method = std::move(method),
          .request_id = host.api->request_id(metadata(context, "x-request-id")),
          .peer = std::move(peer),
          .deadline = deadline_of(host, context)};
}

Result<void> parse_request(grpc::ByteBuffer& bytes, Message& request) {
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok() || !request.ParseFromZeroCopyStream(&reader)) {
    return fail(Code::kInvalidArgument, "the request is not a {}",
                request.GetDescriptor()->full_name());
  }
  return {};
}

grpc::Status refuse(grpc::CallbackServerContext& context, const Error& error,
                    const std::string& request_id) {
  context.AddTrailingMetadata(kErrorTrailer, encode_error(error, request_id));
  return {static_cast<grpc::StatusCode>(code_info(error.code()).grpc_status),
          status_message(error)};
}

}  // namespace dsl::rpc
