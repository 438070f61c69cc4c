// The request target of HTTP (RFC 9112 section 3.2): path and query, decoded once and strictly.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::http {

struct TargetParts {
  std::string raw_path;  // as sent: "/v1/a%2Fb"
  std::string path;      // decoded: "/v1/a/b"
  std::string query;     // as sent, without '?'
};

// Origin form ("/a?b") and absolute form ("http://host/a?b"). kInvalidArgument for anything else:
// bad percent-encoding, control characters, "." and ".." as segments however they are written.
Result<TargetParts> parse_target(std::string_view target);

// Undoes percent-encoding; nothing when it is malformed or hides a control character.
bool percent_decode(std::string_view text, std::string& out);

}  // namespace dsl::http
