// Calls to a name service: over its local socket, or over the network with a token.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "dsl/rpc/client.h"

namespace mcns::cli {

using dsl::Result;

// From the command line; empty = not given.
struct RouteFlags {
  std::string server;      // "ns1.example.net:9443"; also $MCNS_SERVER
  std::string token_file;  // also $MCNS_TOKEN_FILE; ~/.config/mcns/token
  std::string ca_cert;     // also $MCNS_CA_CERT; the system's authorities
  std::string socket;      // else of the file of --config, $MCNS_SOCKET; /srv/mcns/admin.sock
  bool local = false;      // the socket, whatever else is set
  // That of the file of --config; empty without that option. kPermissionDenied, of a file that is
  // not the caller's to read, is passed over.
  std::function<Result<std::string>()> configured_socket = nullptr;
};

// Whether that is the local socket: when it was asked for; else when no server was named.
bool is_local_route(dsl::env::Env& env, const RouteFlags& flags);

// Thread-safe. Connects at the first call. When the service cannot be reached, the error names the
// way that was tried and the next step (exit code 5), or who may go it (exit code 4).
class Client {
 public:
  // `timeout` of each unary call; zero = 30 s. Streams have none unless it is given. kNotFound when
  // no server was named and none is here.
  static Result<std::unique_ptr<Client>> open(dsl::env::Env& env, const RouteFlags& flags,
                                              std::chrono::milliseconds timeout);

  // `method` without the package: "ZoneService.GetZone". `more_time` is for one that waits for a
  // disk.
  template <class Response>
  Result<Response> call(const std::string& method, const dsl::rpc::Message& request,
                        std::chrono::milliseconds more_time = std::chrono::milliseconds(0)) {
    Result<Response> reply = channel_->call<Response>(kPackage + method, request,
                                                      {.timeout = call_timeout() + more_time});
    return reply ? std::move(reply) : tl::unexpected(explained(std::move(reply).error()));
  }
  // `on_message` returns an error to end the stream; `cancelled` is asked about every 100 ms.
  template <class Response>
  Result<void> stream(const std::string& method, const dsl::rpc::Message& request,
                      const std::function<Result<void>(const Response&)>& on_message,
                      std::function<bool()> cancelled = nullptr) {
    dsl::rpc::CallOptions options;
    options.timeout = timeout_;
    options.cancelled = std::move(cancelled);
    Result<void> done = channel_->stream<Response>(kPackage + method, request, on_message, options);
    return done ? std::move(done) : tl::unexpected(explained(std::move(done).error()));
  }

 private:
  static inline const std::string kPackage = "mcns.v1.";

  Client(dsl::env::Env& env, std::string place, bool local,
         std::unique_ptr<dsl::rpc::Channel> channel, std::chrono::milliseconds timeout)
      : env_(env),
        place_(std::move(place)),
        local_(local),
        channel_(std::move(channel)),
        timeout_(timeout) {}

  std::chrono::milliseconds call_timeout() const;
  // An error of the transport becomes one about this way; what the service said passes.
  dsl::Error explained(dsl::Error error) const;

  dsl::env::Env& env_;
  const std::string place_;  // path of the socket, or host and port
  const bool local_;
  const std::unique_ptr<dsl::rpc::Channel> channel_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace mcns::cli
