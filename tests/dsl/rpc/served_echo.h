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

class ServedEcho {
 public:
  explicit ServedEcho(ServerOptions options = {}) {
    options.local_socket = dir_.file("rpc.sock");
    options.tcp = {"127.0.0.1:0"};
    if (!options.authenticate) {
      options.authenticate = authenticate;
    }
    server_ = dsl::test::require_ok(Server::start(env::system_env(), service_.table(), options));
  }

  std::string local() const { return "unix:" + dir_.file("rpc.sock"); }
  std::string tcp() const { return server_->tcp_addresses().front(); }
  std::string tls() const { return server_->tls_addresses().front(); }
  EchoService& service() { return service_; }
  Server& server() { return *server_; }

 private:
  dsl::test::TempDir dir_;
  EchoService service_;
  std::unique_ptr<Server> server_;
};

}  // namespace dsl::rpc::test
