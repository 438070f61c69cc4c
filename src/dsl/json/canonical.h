// RFC 8785 canonical JSON: equal documents are equal text. Base64, for bytes inside of JSON.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace boost::json {
class value;
}

namespace dsl::json {

// Members sorted by UTF-16 code units, no white space, numbers as ECMAScript prints them.
// Strings must be valid UTF-8 (kInvalidArgument).
Result<std::string> canonical(const boost::json::value& value);

std::string base64(std::string_view bytes);  // RFC 4648 section 4, with padding
Result<std::string> from_base64(std::string_view text);

}  // namespace dsl::json
