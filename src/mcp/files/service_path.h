// What people write when they mean a file of a service.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mcp::files {

struct ServicePath {
  std::string path;           // "conf/app.toml"; "" is the service's directory
  bool is_directory = false;  // it was written with a slash at its end, or is empty
  bool operator==(const ServicePath&) const = default;

  std::string folder() const;                   // "conf"; "" where there is none
  std::string name() const;                     // "app.toml"
  ServicePath in(std::string_view more) const;  // conf/app.toml + x = conf/app.toml/x
};

enum class PathFault { kNone, kTooLong, kControl, kClimbs, kOutside };

// "conf//./app.toml" is conf/app.toml. An absolute path must begin with one of `roots` (what the
// service's directory is called on the host and in its containers), and is then read from there.
// Neither "..", nor control characters, nor what the kernel would refuse as too long.
PathFault parse_service_path(std::string_view text, std::initializer_list<std::string> roots,
                             ServicePath& out);

// A name of a file: no slash, no control character, not "." or "..", 255 bytes at most.
bool is_file_name(std::string_view text);

}  // namespace mcp::files
