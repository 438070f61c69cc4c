// A blocking HTTP/1.1 client for one request at a time, over TCP, TLS or a unix socket, in which
// every step obeys one deadline. The pooled client of the network issue grows from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/env/clock.h"
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

// A connection, kept alive between calls of `send` and reopened once when the peer has closed it.
// Confined to one thread at a time, except `abort`.
// Errors: kUnavailable (refused, closed, no such socket), kDeadlineExceeded, kDataLoss (malformed).
class Connection {
 public:
  explicit Connection(Target target);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // Reads the whole reply; `body_max` bytes at most (kTooLarge).
  Result<Response> send(const Request& request, std::chrono::milliseconds timeout,
                        std::size_t body_max = 64u << 20);
  // Hands the body over piece by piece as it arrives; `on_data` returns false to stop (the
  // connection is then closed). `timeout` bounds the wait for the headers; `idle` each wait for
  // more (zero = for ever). The body of the returned Response is empty unless status >= 400.
  Result<Response> stream(const Request& request, std::chrono::milliseconds timeout,
                          std::chrono::milliseconds idle,
                          const std::function<bool(std::string_view)>& on_data);
  // Sends a request body from `next` (empty view = end) with chunked encoding.
  Result<Response> upload(const Request& request, std::chrono::milliseconds timeout,
                          const std::function<Result<std::string_view>()>& next);
  // From any thread: makes a running `send` or `stream` return kCancelled soon.
  void abort();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Percent-encodes one path segment or query value (RFC 3986 section 2.1).
std::string encode(std::string_view text);

}  // namespace dsl::http
