#include "dsl/endpoint/endpoint.h"

#include <mutex>
#include <thread>

#include "dsl/health/probes.h"
#include "dsl/log/log.h"
#include "dsl/metrics/sources.h"
#include "dsl/rpc/server.h"
#include "dsl/transcode/transcode.h"

namespace dsl::endpoint {

namespace {

const log::Logger logger("endpoint");

bool has_ipv6(env::Env& env) { return env.files().exists("/proc/net/if_inet6").value_or(false); }

// ":9444" listens on every address, of IPv6 too where the kernel has it. For gRPC, whose socket on
// [::] takes IPv4 as well.
std::string every_address(env::Env& env, const std::string& address) {
  if (!address.starts_with(':')) {
    return address;
  }
  return (has_ipv6(env) ? "[::]" : "0.0.0.0") + address;
}

// The same for our own listeners, each of which takes one family.
std::vector<std::string> every_family(env::Env& env, const std::string& address) {
  if (!address.starts_with(':')) {
    return {address};
  }
  std::vector<std::string> out = {"0.0.0.0" + address};
  if (has_ipv6(env)) {
    out.push_back("[::]" + address);
  }
  return out;
}

// The document is made when somebody asks for the first time: a start waits for nothing of it.
http::Route openapi_route(std::shared_ptr<const rpc::Api> api, transcode::OpenApiInfo about) {
  struct Made {
    std::once_flag once;
    Result<std::string> document;
  };
  const auto made = std::make_shared<Made>();
  http::Route route;
  route.pattern = "/v1/openapi.json";
  route.access = http::Access::kPublic;  // as gRPC's reflection of the same table
  route.handle = [made, api = std::move(api), about = std::move(about)](http::Exchange& exchange) {
    std::call_once(made->once, [&] { made->document = transcode::openapi(api->table(), about); });
    exchange.reply(
        made->document
            ? http::Reply{200, {{"content-type", "application/json"}}, *made->document}
            : transcode::http_error_reply(made->document.error(), exchange.request_id()));
  };
  return route;
}

class Face final : public Endpoint {
 public:
  Face(env::Env& env, Config config, Options options)
      : env_(env),
        config_(std::move(config)),
        options_(std::move(options)),
        metrics_(options_.service),
        health_(env.clock()) {}
  ~Face() override { stop(std::chrono::milliseconds(0)); }

  Result<void> prepare(rpc::MethodTable table);

  health::Health& health() override { return health_; }
  metrics::Registry& metrics() override { return metrics_; }
  Result<void> serve(service::ActivatedSockets& sockets) override;
  std::vector<std::string> listeners() const override { return listeners_; }
  Result<void> refresh() override;
  void drain() override;
  void stop(std::chrono::milliseconds grace) override;

 private:
  Result<void> open_certificate();
  Result<void> serve_grpc();
  Result<void> serve_rest(service::ActivatedSockets& sockets);
  Result<void> serve_metrics(service::ActivatedSockets& sockets);
  http::ServerOptions http_options(const std::vector<http::Listener>& configured,
                                   std::vector<env::UniqueFd> handed);
  bool networked() const { return credentials_ != nullptr; }

  env::Env& env_;
  const Config config_;
  Options options_;
  metrics::Registry metrics_;
  health::Health health_;
  std::shared_ptr<rpc::Api> api_;
  std::shared_ptr<tls::ServerCredentials> credentials_;  // nothing = the local socket only
  std::function<void(const http::ServerOptions::Done&)> count_http_;

  std::vector<std::string> listeners_;
  std::unique_ptr<rpc::Server> grpc_;
  std::unique_ptr<http::Server> rest_;
  std::unique_ptr<http::Server> plain_;
};

Result<void> Face::prepare(rpc::MethodTable table) {
  metrics::add_process(metrics_, env_);
  count_http_ = metrics::add_http(metrics_);
  MC_TRY(open_certificate());
  rpc::ApiOptions api;
  api.authenticate = options_.authenticate;
  api.policy = options_.policy;
  api.ready = [this] { return health_.ready(); };
  MC_ASSIGN(api_, rpc::Api::create(env_, std::move(table), std::move(api)));
  metrics::add_rpc(metrics_, *api_);
  return {};
}

Result<void> Face::open_certificate() {
  if (config_.tls_cert.empty()) {
    if (!config_.grpc_addr.empty() || !config_.rest_addr.empty()) {
      logger.warn("no certificate is configured: only the local socket is served",
                  {{"setting", "server.tls_cert"}});
    }
    return {};
  }
  auto opened = tls::ServerCredentials::open(
      env_, {.pairs = {{config_.tls_cert, config_.tls_key}}, .alpn = {"h2", "http/1.1"}});
  if (opened) {
    credentials_ = std::move(*opened);
    metrics::add_tls(metrics_, env_, *credentials_);
    health_.add("certificate",
                health::certificate_probe(env_, *credentials_, options_.expiry_warning));
    return {};
  }
  if (!options_.serves_without_certificate) {
    return tl::unexpected(opened.error());
  }
  logger.failure(log::Level::kError,
                 "the certificate cannot be used: only the local socket is served", opened.error());
  health_.add("certificate",
              [error = opened.error()]() -> Result<void> { return tl::unexpected(error); });
  return {};
}

Result<void> Face::serve(service::ActivatedSockets& sockets) {
  MC_TRY(serve_grpc());
  MC_TRY(serve_rest(sockets));
  return serve_metrics(sockets);
}

Result<void> Face::serve_grpc() {
  rpc::ServerOptions options;
  options.local_socket = config_.socket_path;
  options.local_group = config_.socket_group;
  options.workers = options_.workers;
  if (networked() && !config_.grpc_addr.empty()) {
    options.tls = {every_address(env_, config_.grpc_addr)};
    options.credentials = credentials_;
  }
  MC_ASSIGN(grpc_, rpc::Server::start(env_, api_, options));
  if (!config_.socket_path.empty()) {
    listeners_.push_back("unix " + config_.socket_path);
  }
  for (const std::string& address : grpc_->tls_addresses()) {
    listeners_.push_back("grpc " + address);
  }
  return {};
}

Result<void> Face::serve_rest(service::ActivatedSockets& sockets) {
  std::vector<env::UniqueFd> handed = sockets.take(kRestSocket);
  if (!networked() && !handed.empty()) {
    logger.warn("the REST socket that systemd has bound is closed: there is no certificate");
  }
  if (!networked() || (config_.rest_addr.empty() && handed.empty())) {
    return {};
  }
  http::Router router;
  MC_TRY(transcode::add_routes(router, api_));
  router.add(health::live_route());
  router.add(health::ready_route(health_, http::Access::kPublic));
  router.add(metrics::route(metrics_, http::Access::kUser));
  router.add(openapi_route(api_, options_.about));
  for (http::Route& route : options_.routes) {
    router.add(std::move(route));
  }
  std::vector<http::Listener> configured;
  for (std::string& address : every_family(env_, config_.rest_addr)) {
    configured.push_back({.address = std::move(address), .tls = credentials_});
  }
  MC_ASSIGN(rest_, http::Server::start(env_, std::move(router),
                                       http_options(configured, std::move(handed))));
  for (const std::string& address : rest_->addresses()) {
    listeners_.push_back("https " + address);
  }
  return {};
}

Result<void> Face::serve_metrics(service::ActivatedSockets& sockets) {
  std::vector<env::UniqueFd> handed = sockets.take(kMetricsSocket);
  if (config_.metrics_addr.empty() && handed.empty()) {
    return {};
  }
  http::Router router;
  router.add(health::live_route());
  router.add(health::ready_route(health_, http::Access::kPublic));
  router.add(metrics::route(metrics_, http::Access::kPublic));
  MC_ASSIGN(plain_, http::Server::start(
                        env_, std::move(router),
                        http_options({{.address = config_.metrics_addr}}, std::move(handed))));
  for (const std::string& address : plain_->addresses()) {
    listeners_.push_back("http " + address);
  }
  return {};
}

// Sockets that were handed over take the place of the configured addresses.
http::ServerOptions Face::http_options(const std::vector<http::Listener>& configured,
                                       std::vector<env::UniqueFd> handed) {
  http::ServerOptions options;
  for (env::UniqueFd& socket : handed) {
    options.listeners.push_back(configured.front());
    options.listeners.back().fd = socket.release();
  }
  if (options.listeners.empty()) {
    options.listeners = configured;
  }
  options.workers = options_.workers;
  options.authorize = transcode::authorizer(api_);
  options.error_reply = transcode::http_error_reply;
  options.on_done = count_http_;
  return options;
}

Result<void> Face::refresh() {
  if (networked()) {
    MC_TRY(credentials_->reload());
  } else if (!config_.tls_cert.empty()) {
    return fail(Code::kFailedPrecondition, "{} could not be used at the start", config_.tls_cert)
        .hint("when it is in order, restart the service: listeners open at the start only");
  }
  return {};
}

void Face::drain() {
  health_.drain();
  if (api_) {
    api_->drain();
  }
}

void Face::stop(std::chrono::milliseconds grace) {
  drain();
  // Both transports have the whole of the grace.
  std::thread rest([&] {
    if (rest_) {
      rest_->stop(grace);
    }
  });
  if (grpc_) {
    grpc_->stop(grace);
  }
  rest.join();
  if (plain_) {
    plain_->stop(grace);  // last: who drains us watches it
  }
}

}  // namespace

Result<std::unique_ptr<Endpoint>> Endpoint::open(env::Env& env, const Config& config,
                                                 rpc::MethodTable table, Options options) {
  auto face = std::make_unique<Face>(env, config, std::move(options));
  MC_TRY(face->prepare(std::move(table)));
  return face;
}

}  // namespace dsl::endpoint
