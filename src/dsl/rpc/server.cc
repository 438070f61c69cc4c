#include "dsl/rpc/server.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

#include <arpa/inet.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "dsl/rpc/grpc_call.h"
#include "dsl/rpc/grpc_log.h"
#include "dsl/rpc/local_listener.h"

namespace dsl::rpc {

namespace {

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

struct TcpAddress {
  std::string host;  // "127.0.0.1", "[::1]"
  int port = 0;
};

Result<TcpAddress> loopback_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  if (colon == std::string::npos || (host != "[::1]" && !host.starts_with("127."))) {
    return fail(Code::kInvalidArgument, "cannot serve plain gRPC on {}", address)
        .hint("only loopback addresses such as 127.0.0.1:9444 are allowed without TLS");
  }
  return TcpAddress{host, std::atoi(address.c_str() + colon + 1)};
}

// Why the system refuses the address; gRPC itself only logs it.
std::string bind_error(const TcpAddress& address) {
  const bool v6 = address.host == "[::1]";
  sockaddr_storage storage{};
  void* raw = &storage;
  socklen_t size = 0;
  if (v6) {
    auto* in6 = static_cast<sockaddr_in6*>(raw);
    in6->sin6_family = AF_INET6;
    in6->sin6_addr = in6addr_loopback;
    in6->sin6_port = htons(static_cast<std::uint16_t>(address.port));
    size = sizeof(sockaddr_in6);
  } else {
    auto* in4 = static_cast<sockaddr_in*>(raw);
    in4->sin_family = AF_INET;
    inet_pton(AF_INET, address.host.c_str(), &in4->sin_addr);
    in4->sin_port = htons(static_cast<std::uint16_t>(address.port));
    size = sizeof(sockaddr_in);
  }
  const env::UniqueFd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), static_cast<const sockaddr*>(raw), size) != 0 ||
      ::listen(fd.get(), 1) != 0) {
    return std::strerror(errno);
  }
  return {};
}

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
  void stop(std::chrono::milliseconds grace) override;

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;
  Peer peer_of(const std::string& grpc_peer) const;

  CallHost host_;
  std::unique_ptr<LocalListener> local_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> tcp_addresses_;
  std::mutex stop_mutex_;
};

Result<void> GrpcServer::listen(const ServerOptions& options) {
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(this);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_max));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a busy port is an error
  std::vector<TcpAddress> addresses;
  std::vector<int> ports(options.tcp.size(), 0);
  for (std::size_t i = 0; i < options.tcp.size(); ++i) {
    MC_ASSIGN(const TcpAddress address, loopback_address(options.tcp[i]));
    addresses.push_back(address);
    builder.AddListeningPort(options.tcp[i], grpc::InsecureServerCredentials(), &ports[i]);
  }
  if (!options.local_socket.empty()) {
    MC_ASSIGN(local_, LocalListener::open(options.local_socket, options.local_group,
                                          FdNumbers::below_limit()));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      if (const std::string reason = bind_error(addresses[i]); !reason.empty()) {
        return fail(Code::kInternal, "cannot listen on {}: {}", options.tcp[i], reason)
            .hint("stop what listens there, or set another address");
      }
    }
    return fail(Code::kInternal, "gRPC cannot listen");
  }
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    tcp_addresses_.push_back(text("{}:{}", addresses[i].host, ports[i]));
  }
  if (local_) {
    local_->start([this](int fd) { grpc::AddInsecureChannelFromFd(server_.get(), fd); });
  }
  return {};
}

grpc::ServerGenericBidiReactor* GrpcServer::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return serve_call(host_, *context, peer_of(context->peer()));
}

Peer GrpcServer::peer_of(const std::string& grpc_peer) const {
  if (local_) {
    if (std::optional<Peer> peer = local_->find(grpc_peer)) {
      return *std::move(peer);
    }
  }
  Peer peer;
  peer.address = plain_address(grpc_peer);
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
    server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                   gpr_time_from_millis(grace.count(), GPR_TIMESPAN)));
  }
  host_.workers.stop();
  host_.streams.stop();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(env::Env& env, std::shared_ptr<Api> api,
                                              ServerOptions options) {
  route_grpc_log();
  const std::size_t workers = options.workers > 0
                                  ? static_cast<std::size_t>(options.workers)
                                  : std::max<std::size_t>(4, std::thread::hardware_concurrency());
  auto server = std::make_unique<GrpcServer>(env, std::move(api), options, workers);
  MC_TRY(server->listen(options));
  return server;
}

}  // namespace dsl::rpc
