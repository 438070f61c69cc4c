// Calls to an agent.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dsl/rpc/client.h"
#include "mcp/cli/route.h"

namespace mcp::cli {

using dsl::Result;

// Thread-safe. Connects at the first call. When the agent cannot be reached, the error names the
// way that was tried and the next step (exit code 5), or who may go it (exit code 4).
class Client {
 public:
  // `timeout` of each unary call; zero = 30 s. Streams have none unless it is given.
  Client(std::unique_ptr<Route> route, std::chrono::milliseconds timeout);

  // `method` without package and service: "GetNode". `more_time` is for one that waits for a disk.
  template <class Response>
  Result<Response> call(const std::string& method, const dsl::rpc::Message& request,
                        std::chrono::milliseconds more_time = std::chrono::milliseconds(0)) {
    Result<Response> reply = route_->channel().call<Response>(
        kService + method, request, {.timeout = call_timeout() + more_time});
    return reply ? std::move(reply) : tl::unexpected(route_->explained(std::move(reply).error()));
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
        route_->channel().stream<Response>(kService + method, request, on_message, options);
    return outcome ? std::move(outcome)
                   : tl::unexpected(route_->explained(std::move(outcome).error()));
  }

 private:
  static inline const std::string kService = "mcp.v1.AgentService.";

  std::chrono::milliseconds call_timeout() const;

  const std::unique_ptr<Route> route_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace mcp::cli
