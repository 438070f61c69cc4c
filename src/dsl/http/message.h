// The bytes of a request and the small text rules of HTTP/1.1.
#pragma once

#include <string>
#include <string_view>

#include "dsl/http/client.h"

namespace dsl::http {

enum class Framing { kLength, kChunked };

// Request line and headers up to the empty line; the Host header comes from `target` unless given.
// kInvalidArgument when a part would end its line, so that no caller's text becomes a header.
Result<std::string> request_head(const Request& request, const Target& target, Framing framing);

bool is_token(std::string_view text);                           // RFC 9110 section 5.6.2
bool has_control(std::string_view text);                        // any but the tab
std::string lower_case(std::string_view text);                  // ASCII
bool same_name(std::string_view left, std::string_view right);  // ASCII, case-insensitive

}  // namespace dsl::http
