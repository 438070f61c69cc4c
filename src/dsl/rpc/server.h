// An Api over gRPC, served without generated service code.
//
//   MC_ASSIGN(auto api, rpc::Api::create(env, std::move(table), {.authenticate = ...}));
//   MC_ASSIGN(auto server, rpc::Server::start(env, api, {.local_socket = path}));
//
// Unary handlers run on a bounded worker pool, each server stream on a thread of its own, so that
// long streams never starve unary calls.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/rpc/api.h"

namespace dsl::tls {
class ServerCredentials;
}

namespace dsl::rpc {

struct ServerOptions {
  std::string local_socket;      // path; empty = none. Mode 0660; a stale file is replaced
  std::string local_group;       // group owner of the socket file; empty = ours
  std::vector<std::string> tcp;  // "127.0.0.1:0"; plain, so on loopback only
  std::vector<std::string> tls;  // "0.0.0.0:9444", "[::]:0"; TLS 1.3, on any address
  // What `tls` shows, asked for at each handshake: required with it, and a reload needs no word
  // here.
  std::shared_ptr<tls::ServerCredentials> credentials;
  int workers = 0;                     // unary handlers at once; 0 = max(4, cores)
  int streams_max = 64;                // server streams at once; beyond it kRateLimited
  int queue_max = 256;                 // unary calls waiting for a worker; beyond it kRateLimited
  std::size_t message_max = 4u << 20;  // bytes
};

// Thread-safe. Destroying it stops at once.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(env::Env& env, std::shared_ptr<Api> api,
                                               const ServerOptions& options);
  virtual ~Server() = default;

  // "127.0.0.1:43121" for each entry of options.tcp, in order.
  virtual std::vector<std::string> tcp_addresses() const = 0;
  // The same for options.tls.
  virtual std::vector<std::string> tls_addresses() const = 0;
  // Drains the Api, refuses new calls with UNAVAILABLE, waits for running ones until `grace` has
  // passed, then closes every connection and cancels them. Returns once every handler has returned:
  // a handler must heed `cancelled()`.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace dsl::rpc
