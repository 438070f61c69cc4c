#include "dsl/rpc/unary_service.h"

#include <deque>

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "dsl/rpc/descriptors.h"
#include "dsl/rpc/grpc_context.h"
#include "dsl/rpc/pace.h"

namespace dsl::rpc {

namespace {

constexpr int kQuickCallsMax = 1;

// One method of the service; its address is kept by gRPC and by calls.
struct Entry {
  explicit Entry(const Route& served) : route(served), path(path_of_method(served.method.name)) {}
  const Route& route;
  const std::string path;
  Pace pace;
};

// What gRPC has read of a call, and where it wants the answer. Valid until OnDone.
struct Bytes {
  const grpc::ByteBuffer* request;
  grpc::ByteBuffer* response;
};

// Lives from the arrival of its request to OnDone; a worker that runs its handler keeps it alive
// too. OnCancel and OnDone run on gRPC's threads and never block.
class UnaryCall final : public grpc::ServerUnaryReactor,
                        public MessageSink,
                        public std::enable_shared_from_this<UnaryCall> {
 public:
  UnaryCall(CallHost& host, grpc::CallbackServerContext& context, Entry& entry, Peer peer,
            Bytes bytes)
      : host_(host),
        context_(context),
        entry_(entry),
        bytes_(bytes),
        call_(host.env.clock(),
              call_start(host, context, entry.route.method.name, std::move(peer))) {
    ++host_.calls;
  }
  ~UnaryCall() override {
    --host_.calls;
    if (entered_) {
      host_.leave();
    }
  }

  // To be called once, right after it is made. gRPC owns the result until OnDone.
  grpc::ServerUnaryReactor* start();

 private:
  void OnCancel() override { call_.cancel(); }
  void OnDone() override {
    const std::shared_ptr<UnaryCall> last = std::move(self_);  // frees this at the end of the scope
  }
  // What gRPC's own default reactor says of itself. Both reactions above are a store and a free, so
  // they need no thread of their own.
  bool InternalInlineable() override { return true; }

  bool serve_here();
  void serve();
  Result<void> parse(Message& request) const;
  Result<void> write(const Message& message) override;
  void finish(const Result<void>& result);
  // Before the chain has seen it.
  void decline(Error error) { finish(fail(host_.api->refuse(call_, std::move(error)))); }

  CallHost& host_;
  grpc::CallbackServerContext& context_;
  Entry& entry_;
  const Bytes bytes_;
  std::shared_ptr<UnaryCall> self_;  // until OnDone
  ActiveCall call_;
  bool entered_ = false;
};

grpc::ServerUnaryReactor* UnaryCall::start() {
  self_ = shared_from_this();
  entered_ = host_.enter();
  if (!entered_) {
    decline(fail(Code::kUnavailable, "the service is stopping").hint("try again in a moment"));
    return this;
  }
  if (host_.calls.load() > host_.calls_max) {
    decline(fail(Code::kRateLimited, "{} calls are open already", host_.calls_max)
                .hint("try again in a moment"));
    return this;
  }
  host_.api->accept(call_, entry_.route);
  if (!serve_here() && !host_.workers.submit([self = self_] { self->serve(); })) {
    decline(fail(Code::kRateLimited, "too many calls at once").hint("try again in a moment"));
  }
  return this;
}

// False when a worker is to do it.
bool UnaryCall::serve_here() {
  if (!entry_.pace.quick()) {
    return false;
  }
  const bool mine = host_.quick_calls.fetch_add(1) < kQuickCallsMax;
  if (mine) {
    serve();
  }
  host_.quick_calls.fetch_sub(1);
  host_.quick_calls.notify_all();  // costs nothing unless `stop` waits
  return mine;
}

void UnaryCall::serve() {
  const env::MonoTime begun = host_.env.clock().mono_now();
  const Result<void> result = host_.api->run(
      call_, entry_.route, [this](Message& request) { return parse(request); }, *this);
  entry_.pace.ran(host_.env.clock().mono_now() - begun);
  finish(result);
}

Result<void> UnaryCall::parse(Message& request) const {
  grpc::ByteBuffer bytes(*bytes_.request);  // shares them
  return parse_request(bytes, request);
}

Result<void> UnaryCall::write(const Message& message) {
  bool own_buffer = false;
  const grpc::Status status = grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(
      message, bytes_.response, &own_buffer);
  if (!status.ok()) {
    return fail(Code::kInternal, "a {} cannot be serialized", message.GetDescriptor()->full_name());
  }
  return {};
}

void UnaryCall::finish(const Result<void>& result) {
  Finish(result ? grpc::Status::OK : refuse(context_, result.error(), call_.request_id()));
}

class UnaryService final : public grpc::Service {
 public:
  UnaryService(CallHost& host, std::function<Peer(const grpc::CallbackServerContext&)> peer_of)
      : host_(host), peer_of_(std::move(peer_of)) {
    for (const auto& [name, method] : host.api->table().methods()) {
      if (!method.streaming && !method.conversation) {
        add(entries_.emplace_back(*host.api->find(name)));
      }
    }
  }

 private:
  void add(Entry& entry) {
    using Handler = grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>;
    AddMethod(new grpc::internal::RpcServiceMethod(entry.path.c_str(),
                                                   grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
    MarkMethodRawCallback(
        static_cast<int>(entries_.size()) - 1,
        new Handler([this, &entry](grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
          return std::make_shared<UnaryCall>(host_, *context, entry, peer_of_(*context),
                                             Bytes{request, response})
              ->start();
        }));
  }

  CallHost& host_;
  const std::function<Peer(const grpc::CallbackServerContext&)> peer_of_;
  std::deque<Entry> entries_;  // addresses stay
};

}  // namespace

std::unique_ptr<grpc::Service> unary_service(
    CallHost& host, std::function<Peer(const grpc::CallbackServerContext&)> peer_of) {
  return std::make_unique<UnaryService>(host, std::move(peer_of));
}

}  // namespace dsl::rpc
