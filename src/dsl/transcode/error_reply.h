// The JSON of an error, alone or as the end of a stream.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::transcode {

std::string error_json(const Error& error, std::string_view request_id);

}  // namespace dsl::transcode
