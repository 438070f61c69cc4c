// A server with EchoService on a local socket and on TCP, in a folder of its own.
#pragma once

#include <memory>
#include <string>

#include <unistd.h>

#include "dsl/env/env.h"
#include "dsl/rpc/echo_service.h"
#include "dsl/rpc/server.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::rpc::test {

// On TCP: the token "secret" is a user, "guest" a guest, "system" a system account, "boss" an
// administrator; locally the user of the test is admin.
Result<Caller> authenticate(const Peer& peer);

// An Api of the table; who calls is decided by `authenticate` unless the options say otherwise.
std::shared_ptr<Api> make_api(MethodTable table, ApiOptions options = {});

class ServedEcho {
 public:
  explicit ServedEcho(ServerOptions options = {}, ApiOptions access = {}) {
    options.local_socket = dir_.file("rpc.sock");
    options.tcp = {"127.0.0.1:0"};
    api_ = make_api(service_.table(), std::move(access));
    server_ = dsl::test::require_ok(Server::start(env::system_env(), api_, std::move(options)));
  }

  std::string local() const { return "unix:" + dir_.file("rpc.sock"); }
  std::string tcp() const { return server_->tcp_addresses().front(); }
  std::string tls() const { return server_->tls_addresses().front(); }
  EchoService& service() { return service_; }
  Api& api() { return *api_; }
  Server& server() { return *server_; }

 private:
  dsl::test::TempDir dir_;
  EchoService service_;
  std::shared_ptr<Api> api_;
  std::unique_ptr<Server> server_;
};

}  // namespace dsl::rpc::test
