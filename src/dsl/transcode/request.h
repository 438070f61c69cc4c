// A request message from the parts of an HTTP request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message.h>

#include "dsl/result/result.h"
#include "dsl/transcode/binding.h"

namespace dsl::transcode {

struct RequestParts {
  std::vector<std::string> parameters;            // in the order of the binding's
  std::vector<std::vector<std::string>> headers;  // likewise, all values of each
  std::string_view raw_query;
  std::string_view body;
};

// Fills an empty message. kInvalidArgument names the field at fault.
Result<void> read_request(const Binding& binding, const RequestParts& parts,
                          google::protobuf::Message& request);

}  // namespace dsl::transcode
