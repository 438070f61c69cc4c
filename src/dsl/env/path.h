// The two halves of a path.
#pragma once

#include <string>

namespace dsl::env {

// "/srv/mcp" of "/srv/mcp/mcp.db" and of "/srv/mcp/specs/"; "." of a name alone, "/" of what lies
// there.
inline std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/', path.find_last_not_of('/'));
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

// "mcp.db" of "/srv/mcp/mcp.db".
inline std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace dsl::env
