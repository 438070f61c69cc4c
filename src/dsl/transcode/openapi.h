// OpenAPI 3.1 of a method table.
#pragma once

#include <string>

#include "dsl/result/result.h"
#include "dsl/rpc/method_table.h"

namespace dsl::transcode {

struct OpenApiInfo {
  std::string title;    // the service's name
  std::string version;  // of the binary
  std::string summary;
};

// The document as JSON: every REST form of the table with its parameters, bodies and errors, the
// schemas of its messages, and the comments of the .proto files as descriptions. The errors of
// `routes` when a declaration cannot be served.
Result<std::string> openapi(const rpc::MethodTable& table, const OpenApiInfo& info);

}  // namespace dsl::transcode
