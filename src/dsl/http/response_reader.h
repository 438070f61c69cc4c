// Reads one HTTP/1.1 response from a stream: the only unit that knows Beast's parser.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "dsl/http/deadline_stream.h"

namespace dsl::http {

// Bytes read past the end of one response belong to the next; kept between calls by the owner.
struct ReadBuffer {
  std::string bytes;
};

struct ReadOptions {
  bool head_request = false;  // the reply to HEAD has no body
  std::size_t error_body_max = 1u << 20;
  std::size_t body_max = 64u << 20;  // of a body kept in the Response
};

struct ReadOutcome {
  Response response;
  bool keep_alive = false;
  bool got_any = false;  // false with an error: the peer closed without a single byte
};

// Called when more bytes are needed: how long that may take.
using NextPatience = std::function<Patience()>;

// Reads the head within `head`; then the body: into the Response, or, when `on_data` is given and
// status < 400, piece by piece (false stops: keep_alive is then false). `outcome` is filled as far
// as it came, also with an error.
Result<void> read_response(DeadlineStream& stream, ReadBuffer& buffer, const ReadOptions& options,
                           const Patience& head, const NextPatience& body,
                           const std::function<bool(std::string_view)>& on_data,
                           ReadOutcome& outcome);

}  // namespace dsl::http
