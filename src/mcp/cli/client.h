// Calls to the agent of this machine.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "dsl/rpc/client.h"

namespace mcp::cli {

using dsl::Result;

// Thread-safe. Connects at the first call. When the agent cannot be reached, the error names the
// socket and the next step (exit code 5), or the group that may use it (exit code 4).
class Client {
 public:
  // `timeout` of each unary call; zero = 30 s. Streams have none unless it is given.
  Client(dsl::env::Env& env, std::string socket, std::chrono::milliseconds timeout);

  // `method` without package and service: "GetNode".
  template <class Response>
  Result<Response> call(const std::string& method, const dsl::rpc::Message& request) {
    Result<Response> reply =
        channel_->call<Response>(kService + method, request, {.timeout = call_timeout()});
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
    Result<void> outcome =
        channel_->stream<Response>(kService + method, request, on_message, options);
    return outcome ? std::move(outcome) : tl::unexpected(explained(std::move(outcome).error()));
  }

  const std::string& socket() const { return socket_; }

 private:
  static inline const std::string kService = "mcp.v1.AgentService.";

  std::chrono::milliseconds call_timeout() const;
  dsl::Error explained(dsl::Error error) const;

  dsl::env::Env& env_;
  const std::string socket_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<dsl::rpc::Channel> channel_;
};

}  // namespace mcp::cli
