// The head of an answer in HTTP/1.1.
#pragma once

#include <string>
#include <string_view>

#include "dsl/http/server.h"

namespace dsl::http {

// RFC 9110 section 6.4.1: answers to which no content belongs.
bool has_no_content(int status);
// Headers that the server sets itself: those of a handler with these names are left out.
bool is_set_by_server(std::string_view lower_name);

struct ReplyHead {
  int status = 200;
  const Headers& headers;
  std::string_view request_id;
  std::string_view date;
  std::string_view framing;  // "content-length: 3\r\n", "transfer-encoding: chunked\r\n" or nothing
  bool close = false;
};
void append_reply_head(const ReplyHead& head, std::string& out);

}  // namespace dsl::http
