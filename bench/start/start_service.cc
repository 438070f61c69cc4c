// A service with nothing of its own: configuration, log, signals, and a gRPC server with health and
// reflection on a local socket. What every service pays at its start.
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "dsl/cli/cli.h"
#include "dsl/rpc/server.h"
#include "dsl/service/commands.h"

namespace {

class StartService final : public dsl::service::Service {
 public:
  void configure(dsl::config::Table& table) override {
    table.text("server.socket", &socket_).help("local socket").required();
  }
  dsl::Result<void> start(dsl::env::Env& env) override {
    dsl::rpc::ApiOptions access;
    access.authenticate = dsl::rpc::local_authenticator(::geteuid(), "");
    MC_ASSIGN(auto api, dsl::rpc::Api::create(env, {}, std::move(access)));
    dsl::rpc::ServerOptions options;
    options.local_socket = socket_;
    MC_ASSIGN(server_, dsl::rpc::Server::start(env, std::move(api), options));
    return {};
  }
  std::vector<std::string> listeners() const override { return {"unix " + socket_}; }
  void stop(std::chrono::milliseconds grace) override { server_->stop(grace); }

 private:
  std::string socket_;
  std::unique_ptr<dsl::rpc::Server> server_;
};

}  // namespace

int main(int argc, char** argv) {
  StartService service;
  dsl::cli::Globals globals;
  dsl::service::Commands commands("start-service", service, globals);
  const dsl::cli::App app{.name = "start-service",
                          .summary = "The smallest service, for bench/start",
                          .commands = commands.list()};
  return dsl::cli::run(app, globals, argc, argv);
}
