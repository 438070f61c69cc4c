#include "dsl/rpc/grpc_call.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "dsl/rpc/active_call.h"
#include "dsl/rpc/descriptors.h"
#include "dsl/rpc/error_detail.h"

namespace dsl::rpc {

namespace {

std::string metadata(const grpc::GenericCallbackServerContext& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto found = all.find(key);
  return found == all.end() ? std::string()
                            : std::string(found->second.data(), found->second.size());
}

std::string bearer_token(const grpc::GenericCallbackServerContext& context) {
  constexpr std::string_view kScheme = "Bearer ";
  std::string value = metadata(context, "authorization");
  return value.starts_with(kScheme) ? value.substr(kScheme.size()) : std::string();
}

// The client's deadline on our monotonic clock; MonoTime::max() when it set none.
env::MonoTime deadline_of(CallHost& host, const grpc::GenericCallbackServerContext& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return env::MonoTime::max();
  }
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  const auto duration = std::chrono::seconds(std::min<std::int64_t>(left.tv_sec, 1LL << 31)) +
                        std::chrono::nanoseconds(left.tv_nsec);
  return host.env.clock().mono_now() + duration;
}

CallStart call_start(CallHost& host, const grpc::GenericCallbackServerContext& context, Peer peer) {
  peer.token = bearer_token(context);
  return {.method = method_of_path(context.method()),
          .request_id = host.api->request_id(metadata(context, "x-request-id")),
          .peer = std::move(peer),
          .deadline = deadline_of(host, context)};
}

// Lives from the arrival of the headers to OnDone; a worker that runs its handler keeps it alive
// too. gRPC's threads call the On* functions, which never block; the handler's thread calls
// `write`.
class GrpcCall final : public grpc::ServerGenericBidiReactor,
                       public MessageSink,
                       public std::enable_shared_from_this<GrpcCall> {
 public:
  GrpcCall(CallHost& host, grpc::GenericCallbackServerContext& context, Peer peer);
  ~GrpcCall() override;

  // To be called once, right after it is made. gRPC owns the result until OnDone.
  grpc::ServerGenericBidiReactor* start();

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  Result<void> write(const Message& message) override;

  void serve();  // on a worker
  Result<void> parse(Message& request);
  Result<void> wait_for_write();
  void finish(const Result<void>& result);
  void refuse(Error error) { finish(fail(host_.api->refuse(call_, std::move(error)))); }

  CallHost& host_;
  grpc::GenericCallbackServerContext& context_;
  std::shared_ptr<GrpcCall> self_;  // until OnDone
  ActiveCall call_;
  const Route* route_ = nullptr;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;  // must stay untouched while a write is under way
  bool answered_ = false;      // of a conversation: at least one answer was sent

  std::mutex mutex_;
  std::condition_variable written_;
  bool writing_ = false;  // guarded by mutex_
  bool broken_ = false;   // guarded by mutex_: a write failed, the client is gone
};

GrpcCall::GrpcCall(CallHost& host, grpc::GenericCallbackServerContext& context, Peer peer)
    : host_(host), context_(context), call_(host.env.clock(), call_start(host, context, peer)) {
  ++host_.calls;
}

GrpcCall::~GrpcCall() { --host_.calls; }

grpc::ServerGenericBidiReactor* GrpcCall::start() {
  self_ = shared_from_this();
  const Result<const Route*> route = host_.api->find(call_);
  if (host_.stopping.load()) {
    refuse(fail(Code::kUnavailable, "the service is stopping").hint("try again in a moment"));
  } else if (!route) {
    refuse(fail(Code::kUnimplemented, "{} is not served here", context_.method()));
  } else if (host_.calls.load() > host_.calls_max) {
    refuse(fail(Code::kRateLimited, "{} calls are open already", host_.calls_max)
               .hint("try again in a moment"));
  } else {
    route_ = *route;
    StartRead(&request_);
  }
  return this;
}

void GrpcCall::OnReadDone(bool ok) {
  if (!ok) {
    if (answered_) {
      finish({});
    } else {
      refuse(fail(Code::kInvalidArgument, "the call carried no request"));
    }
    return;
  }
  WorkerPool& pool = route_->method.streaming ? host_.streams : host_.workers;
  if (!pool.submit([self = shared_from_this()] { self->serve(); })) {
    refuse(fail(Code::kRateLimited, "too many calls at once").hint("try again in a moment"));
  }
}

void GrpcCall::serve() {
  const Result<void> result = host_.api->run(
      call_, *route_, [this](Message& request) { return parse(request); }, *this);
  if (!result) {
    (void)wait_for_write();  // its outcome no longer matters, only that it is over
    finish(result);
  } else if (route_->method.streaming) {
    finish(wait_for_write());
  } else if (route_->method.conversation) {
    answered_ = true;
    StartWrite(&response_);
  } else {
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
}

Result<void> GrpcCall::parse(Message& request) {
  grpc::ProtoBufferReader reader(&request_);
  const bool parsed = reader.status().ok() && request.ParseFromZeroCopyStream(&reader);
  request_.Clear();
  if (!parsed) {
    return fail(Code::kInvalidArgument, "the request is not a {}",
                request.GetDescriptor()->full_name());
  }
  return {};
}

Result<void> GrpcCall::write(const Message& message) {
  MC_TRY(wait_for_write());
  bool own_buffer = false;
  response_.Clear();
  const grpc::Status status =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, &response_, &own_buffer);
  if (!status.ok()) {
    return fail(Code::kInternal, "a {} cannot be serialized", message.GetDescriptor()->full_name());
  }
  if (route_->method.streaming) {
    {
      const std::lock_guard lock(mutex_);
      writing_ = true;
    }
    StartWrite(&response_);
  }
  return {};
}

// After a cancellation gRPC completes the write as failed, so this never waits for a dead client.
Result<void> GrpcCall::wait_for_write() {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return !writing_; });
  if (broken_ || call_.cancelled()) {
    return fail(Code::kCancelled, "the client has gone");
  }
  return {};
}

void GrpcCall::OnWriteDone(bool ok) {
  if (route_->method.conversation) {
    if (ok) {
      StartRead(&request_);
    } else {
      finish(fail(Code::kCancelled, "the client has gone"));
    }
    return;
  }
  const std::lock_guard lock(mutex_);
  writing_ = false;
  broken_ = broken_ || !ok;
  written_.notify_all();  // under the lock: the waiter may finish the call and free this
}

void GrpcCall::finish(const Result<void>& result) {
  if (result) {
    Finish(grpc::Status::OK);
    return;
  }
  const Error& error = result.error();
  context_.AddTrailingMetadata(kErrorTrailer, encode_error(error, call_.request_id()));
  Finish(grpc::Status(static_cast<grpc::StatusCode>(code_info(error.code()).grpc_status),
                      status_message(error)));
}

void GrpcCall::OnCancel() { call_.cancel(); }

void GrpcCall::OnDone() {
  const std::shared_ptr<GrpcCall> last = std::move(self_);  // frees this at the end of the scope
}

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* serve_call(
    CallHost& host, grpc::GenericCallbackServerContext& context, Peer peer) {
  return std::make_shared<GrpcCall>(host, context, std::move(peer))->start();
}

}  // namespace dsl::rpc
