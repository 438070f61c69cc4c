#include "mcp/runtime/libpod.h"

#include <algorithm>

#include "mcp/runtime/libpod_json.h"

namespace mcp::runtime {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::http::Connection;
using dsl::http::Response;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kPingTimeout{3000};
constexpr milliseconds kBackoffFirst{50};
constexpr milliseconds kBackoffMax{1000};
constexpr milliseconds kForEver = std::chrono::hours(24 * 365);
constexpr std::size_t kErrorBytesMax = 64u << 10;

Error unreachable(Error error, const std::string& socket) {
  return fail(std::move(error))
      .context("container runtime")
      .hint(dsl::text("is podman's API served at {}? (systemctl --user status podman.socket)",
                      socket));
}

// A service whose database file was removed answers so until it is started anew.
bool says_lost_database(const Error& error) {
  return error.message().find("database configuration mismatch") != std::string::npos;
}

}  // namespace

class Libpod::Lease {
 public:
  Lease(Libpod& pool, std::unique_ptr<Connection> connection)
      : pool_(pool), connection_(std::move(connection)) {}
  ~Lease() { pool_.give_back(std::move(connection_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Connection& operator*() { return *connection_; }

 private:
  Libpod& pool_;
  std::unique_ptr<Connection> connection_;
};

Libpod::Libpod(dsl::env::Env& env, Options options) : env_(env), options_(std::move(options)) {
  MC_ASSERT(options_.connections_max > 0, "a pool has room for a connection");
}

Result<std::string> Libpod::ping() {
  dsl::http::Request request;
  request.path = "/_ping";
  const auto connection = connect();
  auto response = connection->send(request, kPingTimeout, kErrorBytesMax);
  if (!response) {
    return fail(unreachable(std::move(response).error(), options_.socket));
  }
  const std::string version = response->header("Libpod-Api-Version");
  if (response->status != 200 || version.empty()) {
    return fail(Code::kFailedPrecondition, "{} answers, but not as podman does", options_.socket)
        .hint("set [podman] socket to the socket of podman's API");
  }
  return version;
}

Result<Response> Libpod::call(const Call& call) {
  auto& clock = env_.clock();
  const auto start = clock.mono_now();
  const auto deadline = start + options_.call_timeout + call.more_time;
  const auto give_up = start + options_.unreachable_timeout;
  milliseconds backoff = kBackoffFirst;
  bool healed = false;
  while (true) {
    MC_ASSIGN(auto taken, take(deadline));
    Lease connection(*this, std::move(taken));
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock.mono_now());
    auto response = (*connection).send(request(call), std::max(left, milliseconds(1)));
    if (response) {
      if (response->status >= 400) {
        Error error = decode_error(response->status, response->body);
        // Podman refused before it did anything, so that any call may be repeated.
        if (!healed && says_lost_database(error) && options_.on_lost_database) {
          healed = options_.on_lost_database();
          if (healed) {
            continue;
          }
        }
        return fail(std::move(error));
      }
      return response;
    }
    const bool away = response.error().code() == Code::kUnavailable;
    const bool safe = call.method == "GET" || !(*connection).request_sent();
    if (!away || !safe || clock.mono_now() + backoff > give_up) {
      return away ? Result<Response>(
                        tl::unexpected(unreachable(std::move(response).error(), options_.socket)))
                  : std::move(response);
    }
    clock.sleep_for(backoff);
    backoff = std::min(backoff * 2, kBackoffMax);
  }
}

Result<void> Libpod::stream(const Call& call, milliseconds idle,
                            const std::function<bool(std::string_view)>& on_data,
                            const std::function<bool()>& keep_waiting) {
  const auto connection = connect();
  const milliseconds head = idle.count() == 0 ? kForEver : options_.call_timeout + call.more_time;
  auto response = connection->stream(request(call), head, idle, on_data, keep_waiting);
  if (!response) {
    const bool away = response.error().code() == Code::kUnavailable;
    return fail(away ? unreachable(std::move(response).error(), options_.socket)
                     : std::move(response).error());
  }
  if (response->status >= 400) {
    return fail(decode_error(response->status, response->body));
  }
  return {};
}

Result<Response> Libpod::upload(const Call& call,
                                const std::function<Result<std::string_view>()>& next) {
  const auto connection = connect();
  MC_ASSIGN(auto response,
            connection->upload(request(call), options_.call_timeout + call.more_time, next));
  if (response.status >= 400) {
    return fail(decode_error(response.status, response.body));
  }
  return response;
}

Result<std::unique_ptr<Connection>> Libpod::take(dsl::env::MonoTime deadline) {
  std::unique_lock lock(mutex_);
  while (in_use_ >= options_.connections_max) {
    if (!env_.clock().wait_until(given_back_, lock, deadline)) {
      return fail(Code::kDeadlineExceeded, "all {} connections to the container runtime are busy",
                  options_.connections_max);
    }
  }
  ++in_use_;
  if (idle_.empty()) {
    return connect();
  }
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void Libpod::give_back(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    --in_use_;
    idle_.push_back(std::move(connection));
  }
  given_back_.notify_one();
}

dsl::http::Request Libpod::request(const Call& call) const {
  dsl::http::Request request;
  request.method = call.method;
  // The oldest version we speak; each later podman serves it too.
  request.path = "/v4.0.0/libpod" + call.path;
  if (!call.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = call.body;
  }
  return request;
}

std::unique_ptr<Connection> Libpod::connect() const {
  dsl::http::Target target;
  target.kind = dsl::http::Target::Kind::kUnix;
  target.address = options_.socket;
  return std::make_unique<Connection>(std::move(target));
}

}  // namespace mcp::runtime
