#include "dsl/rpc/grpc_context.h"

#include <algorithm>

#include "dsl/rpc/error_detail.h"

namespace dsl::rpc {

namespace {

std::string metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto found = all.find(key);
  return found == all.end() ? std::string()
                            : std::string(found->second.data(), found->second.size());
}

// What a client may choose; everything else would end up in our logs as it likes.
bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string request_id(CallHost& host, const grpc::CallbackServerContext& context) {
  std::string given = metadata(context, "x-request-id");
  return is_request_id(given) ? given : host.env.random().hex(8);
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
  return {std::move(method), request_id(host, context), std::move(peer),
          deadline_of(host, context)};
}

grpc::Status refuse(grpc::CallbackServerContext& context, const Error& error,
                    const std::string& request_id) {
  context.AddTrailingMetadata(kErrorTrailer, encode_error(error, request_id));
  return {static_cast<grpc::StatusCode>(code_info(error.code()).grpc_status),
          status_message(error)};
}

}  // namespace dsl::rpc
