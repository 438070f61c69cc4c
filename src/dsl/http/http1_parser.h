// HTTP/1.1 requests from bytes: Beast's incremental parser, with everything refused that two
// parsers could read in two ways. Free of sockets and of Beast in this header.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "dsl/http/call.h"

namespace dsl::http {

// A request that cannot be taken: its status (400, 417, 431, 501, 505) and why.
struct Refusal {
  int status = 400;
  std::string_view why;
};

// One request after another; confined to its session.
class Http1Parser {
 public:
  // `header_max` bounds the request line and all headers together, and the trailers.
  explicit Http1Parser(std::size_t header_max);
  ~Http1Parser();

  struct Head {
    RequestHead request;
    bool keep_alive = true;
    bool http_1_0 = false;
    bool expects_continue = false;  // the client waits for "100 Continue" before the body
  };

  // Each takes bytes from the front of what has come and not been taken yet, and says how many.
  struct Step {
    std::size_t used = 0;
    std::optional<Refusal> refusal;  // nothing more can be read from this connection
  };
  // `head` is filled when the head is complete; until then the same bytes are offered again.
  Step read_head(std::string_view in, std::optional<Head>& head);
  // After a head: body pieces go to `on_body`, until `request_done`.
  Step read_body(std::string_view in, const std::function<void(std::string_view)>& on_body);
  bool request_done() const;

  // Ready for the next request of the connection.
  void reset();

 private:
  struct Beast;
  std::optional<Refusal> scan(std::string_view in);

  const std::size_t header_max_;
  std::size_t scanned_ = 0;   // of the head
  std::size_t head_end_ = 0;  // 0 = not found yet
  bool blank_skipped_ = false;
  std::unique_ptr<Beast> beast_;
};

}  // namespace dsl::http
