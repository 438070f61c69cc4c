#include "mcp/cli/client.h"

namespace mcp::cli {

namespace {

constexpr std::chrono::milliseconds kCallTimeout{30'000};

}  // namespace

Client::Client(std::unique_ptr<Route> route, std::chrono::milliseconds timeout)
    : route_(std::move(route)), timeout_(timeout) {}

std::chrono::milliseconds Client::call_timeout() const {
  return timeout_.count() > 0 ? timeout_ : kCallTimeout;
}

}  // namespace mcp::cli
