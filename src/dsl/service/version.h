// What this binary was built from.
#pragma once

#include <string>

namespace dsl {

struct BuildInfo {
  std::string version;  // git describe
  std::string commit;
  std::string date;  // of the commit, RFC 3339
};

// From the one unit that is generated at build time.
const BuildInfo& build_info();

}  // namespace dsl
