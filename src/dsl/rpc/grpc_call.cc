#include "dsl/rpc/grpc_call.h"

#include <condition_variable>
#include <memory>
#include <mutex>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "dsl/rpc/active_call.h"
#include "dsl/rpc/descriptors.h"
#include "dsl/rpc/grpc_context.h"

namespace dsl::rpc {

namespace {

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
  // Before the chain has seen it.
  void decline(Error error) { finish(fail(host_.api->refuse(call_, std::move(error)))); }

  CallHost& host_;
  grpc::GenericCallbackServerContext& context_;
  std::shared_ptr<GrpcCall> self_;  // until OnDone
  ActiveCall call_;
  const Route* route_ = nullptr;
  bool entered_ = false;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;  // must stay untouched while a write is under way

  std::mutex mutex_;
  std::condition_variable written_;
  bool answered_ = false;  // guarded by mutex_; of a conversation: at least one answer was sent
  bool writing_ = false;   // guarded by mutex_
  bool broken_ = false;    // guarded by mutex_: a write failed, the client is gone
};

GrpcCall::GrpcCall(CallHost& host, grpc::GenericCallbackServerContext& context, Peer peer)
    : host_(host),
      context_(context),
      call_(host.env.clock(),
            call_start(host, context, method_of_path(context.method()), std::move(peer))) {
  ++host_.calls;
}

GrpcCall::~GrpcCall() {
  --host_.calls;
  if (entered_) {
    host_.leave();
  }
}

grpc::ServerGenericBidiReactor* GrpcCall::start() {
  self_ = shared_from_this();
  route_ = host_.api->find(call_.method());
  entered_ = host_.enter();
  if (!entered_) {
    decline(fail(Code::kUnavailable, "the service is stopping").hint("try again in a moment"));
  } else if (route_ == nullptr) {
    decline(fail(Code::kUnimplemented, "{} is not served here", context_.method()));
  } else if (host_.calls.load() > host_.calls_max) {
    decline(fail(Code::kRateLimited, "{} calls are open already", host_.calls_max)
                .hint("try again in a moment"));
  } else {
    host_.api->accept(call_, *route_);
    StartRead(&request_);
  }
  return this;
}

void GrpcCall::OnReadDone(bool ok) {
  bool answered = false;
  {
    const std::lock_guard lock(mutex_);
    answered = answered_;
  }
  if (!ok) {
    if (answered) {
      finish({});
    } else {
      decline(fail(Code::kInvalidArgument, "the call carried no request"));
    }
    return;
  }
  WorkerPool& pool = route_->method.streaming ? host_.streams : host_.workers;
  if (!pool.submit([self = shared_from_this()] { self->serve(); })) {
    decline(fail(Code::kRateLimited, "too many calls at once").hint("try again in a moment"));
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
    {
      // Also what orders the workers of two requests of one conversation: gRPC does, too, but in
      // ways that no sanitizer sees.
      const std::lock_guard lock(mutex_);
      answered_ = true;
    }
    StartWrite(&response_);
  } else {
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
}

Result<void> GrpcCall::parse(Message& request) {
  Result<void> parsed = parse_request(request_, request);
  request_.Clear();
  return parsed;
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
  Finish(refuse(context_, result.error(), call_.request_id()));
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
