#include "dsl/rpc/client.h"

#include <atomic>
#include <optional>

#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "dsl/env/socket_address.h"
#include "dsl/rpc/descriptors.h"
#include "dsl/rpc/error_detail.h"
#include "dsl/rpc/grpc_log.h"
#include "dsl/rpc/grpc_tls.h"
#include "dsl/rpc/handshake_error.h"

namespace dsl::rpc {

namespace {

namespace tls = grpc::experimental;

constexpr int kMessageMax = 64 << 20;
constexpr int kTrailersMax = 64 << 10;
// The pause after a failed attempt to connect. (GRPC_ARG_MIN_RECONNECT_BACKOFF_MS is another thing:
// how long one attempt may take. A TLS handshake on a busy machine wants its default.)
constexpr int kReconnectMinMs = 100;
constexpr int kReconnectMaxMs = 1000;  // an agent that restarts is back within seconds
constexpr std::int64_t kPollMs = 100;

// Accepts every certificate: see Channel::open_unverified_tls.
class AnyCertificate final : public tls::ExternalCertificateVerifier {
 public:
  bool Verify(tls::TlsCustomVerificationCheckRequest*, std::function<void(grpc::Status)>,
              grpc::Status*) override {
    return true;  // decided at once; the status stays OK
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}
};

std::shared_ptr<grpc::ChannelCredentials> unverified_tls() {
  tls::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<AnyCertificate>());
  return tls::TlsCredentials(options);
}

grpc::ChannelArguments arguments(const std::optional<ChannelOptions>& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageMax);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kTrailersMax);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a channel is a connection
  if (options) {
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                     static_cast<int>(options->connect_timeout.count()));
    if (options->tls && !options->tls->name.empty()) {
      arguments.SetSslTargetNameOverride(options->tls->name);
    }
  }
  return arguments;
}

// One call: its context, its queue of completions, and the polling of the caller's wish to stop.
class Call {
 public:
  Call(const CallOptions& options, const std::string& token)
      : options_(options), on_stop_(options.stop, [this] { stop(); }) {
    if (options.timeout.count() > 0) {
      context_.set_deadline(
          gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                       gpr_time_from_millis(options.timeout.count(), GPR_TIMESPAN)));
    }
    if (!options.request_id.empty()) {
      context_.AddMetadata("x-request-id", options.request_id);
    }
    if (!token.empty()) {
      context_.AddMetadata("authorization", "Bearer " + token);
    }
  }
  // gRPC wants its queue empty before it goes.
  ~Call() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool good = false;
    while (queue_.Next(&tag, &good)) {
    }
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  grpc::ClientContext& context() { return context_; }
  grpc::CompletionQueue& queue() { return queue_; }
  bool stopped() const { return stopped_.load(); }

  void stop() {
    stopped_.store(true);
    context_.TryCancel();
  }

  // Waits for the one operation under way; false when it did not succeed.
  bool wait() {
    void* tag = nullptr;
    bool good = false;
    while (true) {
      const bool poll = options_.cancelled && !stopped_.load();
      const gpr_timespec until = poll ? gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                                     gpr_time_from_millis(kPollMs, GPR_TIMESPAN))
                                      : gpr_inf_future(GPR_CLOCK_MONOTONIC);
      if (queue_.AsyncNext(&tag, &good, until) == grpc::CompletionQueue::GOT_EVENT) {
        return good;
      }
      if (options_.cancelled()) {
        stop();  // the operation then completes as failed
      }
    }
  }

 private:
  const CallOptions& options_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  std::atomic<bool> stopped_{false};
  std::stop_callback<std::function<void()>> on_stop_;  // last: it uses the context
};

Result<grpc::ByteBuffer> to_bytes(const Message& message) {
  grpc::ByteBuffer bytes;
  bool own_buffer = false;
  if (!grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, &bytes, &own_buffer)
           .ok()) {
    return fail(Code::kInternal, "a {} cannot be serialized", message.GetDescriptor()->full_name());
  }
  return bytes;
}

Result<void> from_bytes(grpc::ByteBuffer& bytes, Message& message) {
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok() || !message.ParseFromZeroCopyStream(&reader)) {
    return fail(Code::kInternal, "the answer is not a {}", message.GetDescriptor()->full_name())
        .hint("client and server may be of different versions");
  }
  bytes.Clear();
  return {};
}

class GrpcChannel final : public Channel {
 public:
  // `env` and `options` of the form with options; nothing of the plain one.
  GrpcChannel(std::string address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
              env::Env* env = nullptr, std::optional<ChannelOptions> options = {})
      : address_(std::move(address)),
        env_(env),
        options_(std::move(options)),
        stub_(grpc::CreateCustomChannel(address_, credentials, arguments(options_))) {}
  GrpcChannel(std::string name, int fd)
      : address_(std::move(name)),
        env_(nullptr),
        stub_(grpc::CreateCustomInsecureChannelFromFd(address_, fd, arguments(options_))) {}

 private:
  Result<void> call_erased(const std::string& method, const Message& request, Message& response,
                           const CallOptions& options) override;
  Result<void> stream_erased(const std::string& method, const Message& request, Message& response,
                             const std::function<Result<void>()>& on_message,
                             const CallOptions& options) override;
  Result<std::string> token() const;
  Error error_of(const Call& call, const grpc::ClientContext& context,
                 const grpc::Status& status) const;

  const std::string address_;
  env::Env* const env_;
  const std::optional<ChannelOptions> options_;
  grpc::GenericStub stub_;
};

Result<void> GrpcChannel::call_erased(const std::string& method, const Message& request,
                                      Message& response, const CallOptions& options) {
  MC_ASSIGN(grpc::ByteBuffer bytes, to_bytes(request));
  grpc::ByteBuffer answer;
  grpc::Status status;
  MC_ASSIGN(const std::string bearer, token());
  Call call(options, bearer);
  const auto reader =
      stub_.PrepareUnaryCall(&call.context(), path_of_method(method), bytes, &call.queue());
  reader->StartCall();
  reader->Finish(&answer, &status, &call);
  (void)call.wait();  // the status tells
  if (!status.ok()) {
    return fail(error_of(call, call.context(), status));
  }
  return from_bytes(answer, response);
}

Result<void> GrpcChannel::stream_erased(const std::string& method, const Message& request,
                                        Message& response,
                                        const std::function<Result<void>()>& on_message,
                                        const CallOptions& options) {
  MC_ASSIGN(const grpc::ByteBuffer bytes, to_bytes(request));
  MC_ASSIGN(const std::string bearer, token());
  Call call(options, bearer);
  const auto stream = stub_.PrepareCall(&call.context(), path_of_method(method), &call.queue());
  Result<void> outcome;
  grpc::ByteBuffer answer;
  stream->StartCall(&call);
  bool good = call.wait();
  if (good) {
    stream->WriteLast(bytes, grpc::WriteOptions(), &call);
    (void)call.wait();  // when it failed, so does the read
    stream->Read(&answer, &call);
    good = call.wait();
  }
  while (good) {
    outcome = from_bytes(answer, response);
    if (outcome) {
      outcome = on_message();
    }
    if (!outcome) {
      call.stop();
      break;
    }
    stream->Read(&answer, &call);
    good = call.wait();
  }
  grpc::Status status;
  stream->Finish(&status, &call);
  (void)call.wait();  // the status tells
  MC_TRY(std::move(outcome));
  if (!status.ok()) {
    return fail(error_of(call, call.context(), status));
  }
  return {};
}

Result<std::string> GrpcChannel::token() const {
  return options_ && options_->token ? options_->token() : std::string();
}

Error GrpcChannel::error_of(const Call& call, const grpc::ClientContext& context,
                            const grpc::Status& status) const {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(kErrorTrailer);
  if (found != trailers.end()) {
    return decode_error(status.error_code(), status.error_message(),
                        {found->second.data(), found->second.size()});
  }
  if (call.stopped()) {
    return Error(Code::kCancelled, "the call was cancelled");
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return Error(Code::kDeadlineExceeded, text("{} did not answer in time", address_));
  }
  // Nobody here cancelled: the call met the end of the server, which took it and let it go.
  if (status.error_code() == grpc::StatusCode::CANCELLED) {
    return Error(Code::kUnavailable, text("{} ended the call; it is stopping", address_));
  }
  Error error = decode_error(status.error_code(), status.error_message(), {});
  if (error.code() == Code::kUnavailable && options_ && options_->tls) {
    error = explain_handshake(*env_, *options_->tls, address_, std::move(error));
  }
  if (error.code() == Code::kUnavailable) {
    error.add_context(text("cannot reach {}", address_));
  }
  return error;
}

// What may be told apart before anyone is called.
Result<void> check_options(const ChannelOptions& options) {
  const bool local = options.address.starts_with("unix:");
  const auto parts = env::split_host_port(options.address);
  if (!local && !parts) {
    return fail(Code::kInvalidArgument, "'{}' is no address to call", options.address)
        .hint("give host:port, or unix:path");
  }
  if (options.tls && local) {
    return fail(Code::kInvalidArgument, "the socket {} speaks no TLS", options.address);
  }
  if (options.tls || local) {
    return {};
  }
  const auto literal = env::parse_socket_address(options.address);
  if (!literal || !env::is_loopback(*literal)) {
    return fail(Code::kInvalidArgument, "{} is not to be called without TLS", options.address)
        .hint("only loopback addresses are called plain");
  }
  if (options.token) {
    return fail(Code::kInvalidArgument, "no token is sent to {} without TLS", options.address);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Channel>> Channel::open(env::Env& env, ChannelOptions options) {
  route_grpc_log();
  MC_TRY(check_options(options));
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.tls) {
    MC_ASSIGN(credentials, tls_channel_credentials(env, *options.tls));
  }
  std::string address = options.address;
  return std::make_unique<GrpcChannel>(std::move(address), credentials, &env, std::move(options));
}

std::unique_ptr<Channel> Channel::open(const std::string& address) {
  route_grpc_log();
  return std::make_unique<GrpcChannel>(address, grpc::InsecureChannelCredentials());
}

std::unique_ptr<Channel> Channel::open_fd(int fd, const std::string& name) {
  route_grpc_log();
  return std::make_unique<GrpcChannel>(name, fd);
}

std::unique_ptr<Channel> Channel::open_unverified_tls(const std::string& address) {
  route_grpc_log();
  return std::make_unique<GrpcChannel>(address, unverified_tls());
}

}  // namespace dsl::rpc
