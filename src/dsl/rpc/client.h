// Typed calls over one generic stub.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <google/protobuf/message.h>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/tls/tls.h"

namespace dsl::rpc {

using google::protobuf::Message;

struct CallOptions {
  std::chrono::milliseconds timeout{30000};  // zero = none
  std::string request_id;                    // sent as x-request-id; empty = the server makes one
  // Polled while waiting, about every 100 ms: true cancels the call (kCancelled).
  std::function<bool()> cancelled;
  std::stop_token stop;  // cancels the call at once (kCancelled)
};

// A peer over TLS 1.3.
struct TlsOptions {
  std::string ca_file;  // PEM; empty = the system's authorities
  std::string name;     // what its certificate must be for; empty = the host of the address
  tls::PairFiles pair;  // our certificate, for peers that ask for one; empty = none
};

struct ChannelOptions {
  std::string address;  // "unix:/srv/mcp/admin.sock", "192.0.2.7:9444", "[::1]:9444", "rift:9444"
  std::optional<TlsOptions> tls;  // nothing = plain: a local socket, or loopback
  // Asked at each call for the bearer token to send with it; an error of it is the call's. Called
  // on the caller's thread, on several at once. Not over plain TCP, where anyone could read it.
  std::function<Result<std::string>()> token;
  std::chrono::milliseconds connect_timeout{10000};  // TCP and TLS together
};

// Thread-safe. Errors carry code, hint, id and details as the server's handler made them;
// kUnavailable when the peer cannot be reached.
class Channel {
 public:
  // Reads the files of `options` now, connects at the first call. kInvalidArgument for files that
  // are no certificates and for options that contradict each other. A call that fails since the
  // peer's certificate is not trusted is kUnavailable, and tells the names that the certificate
  // does carry. `env` outlives the channel.
  static Result<std::unique_ptr<Channel>> open(env::Env& env, ChannelOptions options);
  // Plain: "unix:/srv/mcp/admin.sock" or "127.0.0.1:9444".
  static std::unique_ptr<Channel> open(const std::string& address);
  // A client over TLS with http/2 that checks no certificate: for health gates only.
  static std::unique_ptr<Channel> open_unverified_tls(const std::string& address);
  // Speaks through `fd`, a connected stream socket that it owns from then on; `name` stands for the
  // peer in errors. One connection: once it has ended every call is kUnavailable.
  static std::unique_ptr<Channel> open_fd(int fd, const std::string& name);
  virtual ~Channel() = default;

  template <class Response>
  Result<Response> call(const std::string& method, const Message& request,
                        const CallOptions& options = {}) {
    Response response;
    MC_TRY(call_erased(method, request, response, options));
    return response;
  }
  // `on_message` returns an error to end the stream early; that error is then returned.
  template <class Response>
  Result<void> stream(const std::string& method, const Message& request,
                      const std::function<Result<void>(const Response&)>& on_message,
                      const CallOptions& options = {}) {
    Response response;
    return stream_erased(
        method, request, response,
        [&] { return on_message(static_cast<const Response&>(response)); }, options);
  }

 protected:
  virtual Result<void> call_erased(const std::string& method, const Message& request,
                                   Message& response, const CallOptions& options) = 0;
  virtual Result<void> stream_erased(const std::string& method, const Message& request,
                                     Message& response,
                                     const std::function<Result<void>()>& on_message,
                                     const CallOptions& options) = 0;
};

}  // namespace dsl::rpc
