// The HTTP server of every service: HTTP/1.1 and HTTP/2 over TLS 1.3, or plain on loopback.
//
//   http::Router router;
//   router.add({.method = "GET", .pattern = "/v1/zones/{zone}", .access = http::Access::kUser,
//               .handle = [](http::Exchange& exchange) { ... }});
//   MC_ASSIGN(auto server, http::Server::start(env, std::move(router), {.listeners = {...}}));
//
// I/O runs on a few threads of the server; handlers are plain synchronous code on a bounded pool,
// and reading a body or writing a stream blocks there until the peer is ready (back-pressure).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/tls/tls.h"

namespace dsl::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Who may call a route; the meaning of each is that of (dsl.v1.access). A route that leaves it
// unset keeps the server from starting.
enum class Access { kUnset, kPublic, kUser, kSystem, kAdmin, kPolicy };

// How the connection arrived.
struct PeerAddress {
  std::string address;  // "192.0.2.7:50514"; behind a trusted PROXY header, the client's
  bool tls = false;
  std::string client_name;  // subject of a verified client certificate, RFC 2253
};

// A whole answer. Content-Length, Date and x-request-id are added.
struct Reply {
  int status = 200;
  Headers headers;
  std::string body;
};

// One request and its answer. Confined to its handler's thread, except `cancelled`. A handler that
// returns without an answer gives 500.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const std::string& method() const = 0;
  virtual const std::string& path() const = 0;       // percent-decoded, without query
  virtual const std::string& raw_query() const = 0;  // as sent, without '?'
  virtual const Headers& headers() const = 0;        // names in lower case
  std::string header(std::string_view name) const;   // the first; empty when absent
  virtual const std::string& param(std::string_view name) const = 0;  // of the pattern, decoded
  virtual const PeerAddress& peer() const = 0;
  virtual const std::string& request_id() const = 0;  // the client's x-request-id, or made
  virtual env::MonoTime deadline() const = 0;
  virtual bool cancelled() const = 0;  // the client has gone, or the server cuts it off
  // The server drains: a stream without an end of its own ends now; `write` still works.
  virtual bool stopping() const { return false; }

  // The body piece by piece: bytes read, 0 at its end. kTooLarge beyond the route's bound (the
  // answer must then be 413), kCancelled, kDeadlineExceeded when the client is too slow.
  virtual Result<std::size_t> read(std::span<char> out) = 0;
  Result<std::string> read_all();

  // Answers at once. Exactly one of `reply` and `begin`.
  virtual void reply(Reply reply) = 0;
  // A streamed answer: head, then pieces, then the end of the handler. `write` blocks until the
  // client takes more; kCancelled when it has gone.
  virtual Result<void> begin(int status, Headers headers) = 0;
  virtual Result<void> write(std::string_view piece) = 0;
};

using Handler = std::function<void(Exchange&)>;

struct Route {
  std::string method = "GET";  // GET answers HEAD, too
  // Exact segments, "{name}" for one segment, "{name...}" at the end for the rest of the path.
  // Exact segments win over "{name}", that over "{name...}".
  std::string pattern;
  Access access = Access::kUnset;
  std::size_t body_max = 1u << 20;           // bytes
  std::chrono::milliseconds timeout{60000};  // of the handler; zero = none, for streams
  bool streams = false;                      // runs on a thread of its own, not on the pool
  Handler handle;
};

// Filled before the server starts; then constant.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  void add(Route route);
  // kInvalidArgument with every fault: no access, a bad pattern, two routes for the same requests.
  Result<void> check() const;

  struct Match {
    const Route* route = nullptr;  // nothing: no such path
    std::map<std::string, std::string> params;
    std::string allowed;  // "GET, HEAD, PUT" when the path is known and the method is not
  };
  // `path` as it was sent, percent-encoded: an encoded slash does not part segments.
  Match find(std::string_view method, std::string_view path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Node;
  std::vector<Route> routes_;
  std::unique_ptr<Node> root_;
};

struct Limits {
  std::size_t header_max = 32u << 10;  // bytes of all headers; beyond it 431
  std::chrono::milliseconds header_timeout{10000};
  std::chrono::milliseconds read_timeout{30000};
  std::chrono::milliseconds write_timeout{30000};
  std::chrono::milliseconds idle_timeout{120000};
  int connections_max = 10000;
  int connections_per_peer_max = 1000;
  int streams_per_connection_max = 128;  // HTTP/2
};

struct Listener {
  std::string address;  // "127.0.0.1:8443", "[::1]:0"; plain ones on loopback only
  std::shared_ptr<tls::ServerCredentials> tls;  // nothing = plain
  int fd = -1;                // a listening socket that systemd has handed over; owned from then on
  bool proxy_header = false;  // each connection begins with a PROXY header (v1 or v2)
};

struct ServerOptions {
  std::vector<Listener> listeners;
  // Decides routes that are not public; required when there is one. Its error is the answer.
  std::function<Result<void>(Access access, Exchange& exchange)> authorize;
  // Turns an error of the server itself (404, 413, 431, ...) into an answer; absent = plain text.
  std::function<Reply(const Error& error, std::string_view request_id)> error_reply;
  // Told about each answered request, for metrics and the access log; 499 = its client had left.
  // Called on the I/O threads: quick, and thread-safe.
  struct Done {
    std::string_view method, pattern, protocol;  // pattern "" = no route; protocol "h2", "http/1.1"
    int status = 0;
    std::chrono::microseconds took{};
  };
  std::function<void(const Done&)> on_done;
  Limits limits;
  int io_threads = 1;
  int workers = 0;      // handlers at once; 0 = max(4, cores)
  int queue_max = 256;  // beyond it 503 with Retry-After
  int streams_max = 64;
};

// Thread-safe.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(env::Env& env, Router router, ServerOptions options);
  virtual ~Server() = default;

  // "127.0.0.1:43121" for each listener, in order.
  virtual std::vector<std::string> addresses() const = 0;
  // Stops accepting, lets every accepted request end (HTTP/1.1: Connection: close; HTTP/2: GOAWAY),
  // until `grace` has passed, then cuts. Returns once every handler has returned.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace dsl::http
