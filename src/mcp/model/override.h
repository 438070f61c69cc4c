// `mcp deploy --version V` and `--image REF`: a definition with another version or image.
#pragma once

#include <string>

#include "dsl/result/result.h"
#include "mcp/model/model.h"

namespace mcp::model {

struct Overrides {
  std::string version;    // empty = as written
  std::string image;      // empty = as written
  std::string component;  // whose image; empty = the only one. A version applies to it, or to all
};

// Changes the parsed document, so that resolution treats the value as if it had been written there.
// kInvalidArgument when `image` is given for a service of several components without naming one.
Result<void> apply_overrides(Definition& definition, const Overrides& overrides);

}  // namespace mcp::model
