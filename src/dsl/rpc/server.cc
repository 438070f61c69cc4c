#include "dsl/rpc/server.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>

#include <grpc/grpc_security_constants.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "dsl/rpc/grpc_call.h"
#include "dsl/rpc/grpc_log.h"
#include "dsl/rpc/grpc_tls.h"
#include "dsl/rpc/local_listener.h"
#include "dsl/rpc/own_sockets.h"
#include "dsl/rpc/unary_service.h"
#include "dsl/tls/tls.h"

namespace dsl::rpc {

namespace {

constexpr std::chrono::milliseconds kLook{1};  // whether calls have ended

// gRPC writes peers as URIs: "ipv4:127.0.0.1:50514", "ipv6:%5B::1%5D:50514".
std::string plain_address(const std::string& peer) {
  std::string address = peer.substr(peer.find(':') + 1);
  for (const auto& [escaped, plain] : {std::pair("%5B", "["), std::pair("%5D", "]")}) {
    const std::size_t at = address.find(escaped);
    if (at != std::string::npos) {
      address.replace(at, 3, plain);
    }
  }
  return address;
}

Result<env::SocketAddress> listen_address(const std::string& address, bool plain) {
  const auto parsed = env::parse_socket_address(address);
  if (plain && (!parsed || !env::is_loopback(*parsed))) {
    return fail(Code::kInvalidArgument, "cannot serve plain gRPC on {}", address)
        .hint("only loopback addresses such as 127.0.0.1:9444 are allowed without TLS");
  }
  if (!parsed) {
    return fail(Code::kInvalidArgument, "cannot listen on {}", address)
        .hint("give an IP address and a port, such as 0.0.0.0:9444 or [::]:9444");
  }
  return *parsed;
}

// Why the system refuses the address; gRPC itself only logs it.
std::string bind_error(const env::SocketAddress& address) {
  const env::UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address.raw(), address.size) != 0 || ::listen(fd.get(), 1) != 0) {
    return std::strerror(errno);
  }
  return {};
}

// Empty on a connection that brought no certificate; one that was not verified makes none.
std::string client_name(const grpc::CallbackServerContext& context) {
  const auto found = context.auth_context()->FindPropertyValues(GRPC_X509_SUBJECT_PROPERTY_NAME);
  return found.empty() ? std::string() : std::string(found.front().data(), found.front().size());
}

struct Listening {
  std::string address;
  env::SocketAddress parsed;
  bool plain = false;
  int port = 0;  // the one that the system gave
};

class GrpcServer final : public Server, private grpc::CallbackGenericService {
 public:
  GrpcServer(env::Env& env, std::shared_ptr<Api> api, const ServerOptions& options,
             std::size_t workers)
      : host_{env, std::move(api),
              WorkerPool("rpc-worker", {workers, static_cast<std::size_t>(options.queue_max)}),
              WorkerPool("rpc-stream", {static_cast<std::size_t>(options.streams_max), 0}),
              static_cast<int>(workers) + options.queue_max + options.streams_max} {}
  ~GrpcServer() override { stop(std::chrono::milliseconds(0)); }

  Result<void> listen(const ServerOptions& options);
  std::vector<std::string> tcp_addresses() const override { return tcp_addresses_; }
  std::vector<std::string> tls_addresses() const override { return tls_addresses_; }
  void stop(std::chrono::milliseconds grace) override;

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;
  Peer peer_of(const grpc::CallbackServerContext& context) const;
  void close_connections(std::chrono::milliseconds grace);

  CallHost host_;
  std::unique_ptr<LocalListener> local_;
  // One for each TLS listener; asked by `server_` as long as it lives.
  std::vector<std::shared_ptr<grpc::ServerCredentials>> credentials_;
  std::unique_ptr<grpc::Service> unary_;
  bool clients_asked_ = false;  // for certificates
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> tcp_addresses_;
  std::vector<std::string> tls_addresses_;
  std::vector<env::SocketAddress> own_;  // where it is called
  std::mutex stop_mutex_;
};

Result<void> GrpcServer::listen(const ServerOptions& options) {
  grpc::ServerBuilder builder;
  unary_ = unary_service(
      host_, [this](const grpc::CallbackServerContext& context) { return peer_of(context); });
  builder.RegisterService(unary_.get());
  builder.RegisterCallbackGenericService(this);  // all that the other one does not know
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_max));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a busy port is an error
  if (!options.tls.empty()) {
    MC_ASSERT(options.credentials != nullptr, "TLS listeners have credentials");
    MC_TRY(require_tls13());
    clients_asked_ = !options.credentials->material()->client_ca_pem.empty();
  }
  std::vector<Listening> all;
  all.reserve(options.tcp.size() + options.tls.size());  // gRPC writes ports into it
  for (const bool plain : {true, false}) {
    for (const std::string& address : plain ? options.tcp : options.tls) {
      MC_ASSIGN(const env::SocketAddress parsed, listen_address(address, plain));
      all.push_back({address, parsed, plain, 0});
      if (!plain) {
        credentials_.push_back(tls_server_credentials(options.credentials));
      }
      builder.AddListeningPort(address,
                               plain ? grpc::InsecureServerCredentials() : credentials_.back(),
                               &all.back().port);
    }
  }
  if (!options.local_socket.empty()) {
    MC_ASSIGN(local_, LocalListener::open(options.local_socket, options.local_group,
                                          FdNumbers::below_limit()));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    for (const Listening& one : all) {
      if (const std::string reason = bind_error(one.parsed); !reason.empty()) {
        return fail(Code::kInternal, "cannot listen on {}: {}", one.address, reason)
            .hint("stop what listens there, or set another address");
      }
    }
    return fail(Code::kInternal, "gRPC cannot listen");
  }
  for (const Listening& one : all) {
    const std::string host = env::split_host_port(one.address)->host;
    (one.plain ? tcp_addresses_ : tls_addresses_).push_back(env::join_host_port(host, one.port));
    MC_ASSIGN(own_.emplace_back(), env::parse_socket_address(env::join_host_port(host, one.port)));
  }
  if (local_) {
    MC_ASSIGN(own_.emplace_back(), env::unix_socket_address(options.local_socket));
    local_->start([this](int fd) { grpc::AddInsecureChannelFromFd(server_.get(), fd); });
  }
  return {};
}

grpc::ServerGenericBidiReactor* GrpcServer::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return serve_call(host_, *context, peer_of(*context));
}

Peer GrpcServer::peer_of(const grpc::CallbackServerContext& context) const {
  const std::string grpc_peer = context.peer();
  if (local_) {
    if (std::optional<Peer> peer = local_->find(grpc_peer)) {
      return *std::move(peer);
    }
  }
  Peer peer;
  peer.address = plain_address(grpc_peer);
  if (clients_asked_) {
    peer.client_name = client_name(context);
  }
  return peer;
}

void GrpcServer::stop(std::chrono::milliseconds grace) {
  const std::lock_guard lock(stop_mutex_);
  if (host_.stopping.exchange(true)) {
    return;
  }
  host_.api->drain();
  if (local_) {
    local_->stop();
  }
  if (server_) {
    close_connections(grace);
    server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
  }
  host_.workers.stop();
  host_.streams.stop();
  for (int running = host_.quick_calls.load(); running > 0; running = host_.quick_calls.load()) {
    host_.quick_calls.wait(running);
  }
}

// gRPC's own shutdown ends every call that meets it with CANCELLED, which its client takes for its
// own doing: between the first GOAWAY and the last a connection still takes calls that nobody will
// answer. So there is to be no connection by then. What comes meanwhile is told UNAVAILABLE, or
// finds its connection closed, which is UNAVAILABLE to its client, too.
void GrpcServer::close_connections(std::chrono::milliseconds grace) {
  shut_own_sockets(own_, OwnSockets::kListeners);
  env::Clock& clock = host_.api->env().clock();
  const env::MonoTime deadline = clock.mono_now() + grace;
  while (host_.entered.load() > 0 && clock.mono_now() < deadline) {
    clock.sleep_for(kLook);
  }
  shut_own_sockets(own_, OwnSockets::kConnections);
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(env::Env& env, std::shared_ptr<Api> api,
                                              const ServerOptions& options) {
  route_grpc_log();
  const std::size_t workers = options.workers > 0
                                  ? static_cast<std::size_t>(options.workers)
                                  : std::max<std::size_t>(4, std::thread::hardware_concurrency());
  auto server = std::make_unique<GrpcServer>(env, std::move(api), options, workers);
  MC_TRY(server->listen(options));
  return server;
}

}  // namespace dsl::rpc
