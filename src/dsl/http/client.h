// A blocking HTTP/1.1 client for one request at a time, over TCP, TLS or a unix socket, in which
// every step obeys one deadline. `Pool` (pool.h) shares such connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::http {

// Where to connect. Addresses are literals: nothing here resolves names.
struct Target {
  enum class Kind { kUnix, kTcp, kTls } kind = Kind::kTcp;
  std::string address;  // path for kUnix, IP literal otherwise
  std::uint16_t port = 0;
  std::string server_name;  // kTls: SNI and name to verify; also the Host header when set
  std::string ca_file;      // kTls: empty = do not verify the certificate
};

struct Request {
  std::string method = "GET";
  std::string path = "/";  // with query, already encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string header(std::string_view name) const;  // case-insensitive; empty when absent
};

// A connection, kept alive between calls of `send` and reopened when the peer has closed it.
// Confined to one thread at a time, except `abort`.
// Errors: kUnavailable (refused, closed, no such socket), kDeadlineExceeded, kDataLoss (malformed),
// kTooLarge (header beyond 64 KiB, body beyond its bound), kInvalidArgument (a request that would
// not be one message), kCancelled (after `abort`).
class Connection {
 public:
  explicit Connection(Target target);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // Reads the whole reply; `body_max` bytes at most.
  Result<Response> send(const Request& request, std::chrono::milliseconds timeout,
                        std::size_t body_max = 64u << 20);
  // Hands the body over piece by piece as it arrives; `on_data` returns false to stop (the
  // connection is then closed). `timeout` bounds the wait for the headers; `idle` each wait for
  // more (zero = for ever). `keep_waiting`, when given, is asked at least every 200 ms and ends the
  // stream like `on_data` does. The body of the returned Response is empty unless status >= 400.
  Result<Response> stream(const Request& request, std::chrono::milliseconds timeout,
                          std::chrono::milliseconds idle,
                          const std::function<bool(std::string_view)>& on_data,
                          const std::function<bool()>& keep_waiting = {});
  // Sends a request body from `next` (empty view = end) with chunked encoding; `timeout` bounds
  // the whole call. An error of `next` ends the call with that error.
  Result<Response> upload(const Request& request, std::chrono::milliseconds timeout,
                          const std::function<Result<std::string_view>()>& next);
  // Whether the last call put any byte of its request on the wire: if not, nothing happened at the
  // peer and repeating it is safe.
  bool request_sent() const;
  // From any thread: makes a running call return kCancelled soon. Every later call does so too.
  void abort();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Percent-encodes one path segment or query value (RFC 3986 section 2.1).
std::string encode(std::string_view text);

}  // namespace dsl::http
