// HTTP dates: RFC 9110 section 5.6.7.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dsl/env/clock.h"

namespace dsl::http {

std::string format_http_date(env::WallTime time);  // "Sun, 06 Nov 1994 08:49:37 GMT"
// The form above, and the two obsolete ones that a recipient must still read; nothing otherwise.
std::optional<env::WallTime> parse_http_date(std::string_view text);

}  // namespace dsl::http
