// The query of a URL.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::transcode {

// Keys and values in their order, decoded: "%41" and "+" as forms have them. "key" alone has an
// empty value. kInvalidArgument for a percent sign without two digits.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view raw);

}  // namespace dsl::transcode
