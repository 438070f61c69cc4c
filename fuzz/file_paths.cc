// Any text as the path of a service's file, and as a name: what is accepted stays below the
// directory, and reads the same again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/result/result.h"
#include "mcp/files/service_path.h"

using namespace mcp::files;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ServicePath out;
  if (parse_service_path(text, {"/srv/mcr", "/data"}, out) == PathFault::kNone) {
    MC_ASSERT(!out.path.starts_with('/'), "an accepted path is relative");
    MC_ASSERT(("/" + out.path + "/").find("/../") == std::string::npos, "and does not climb");
    MC_ASSERT(out.path.find('\0') == std::string::npos, "and is a whole path to the kernel");
    ServicePath again;
    MC_ASSERT(parse_service_path(out.path, {}, again) == PathFault::kNone, "it is plain");
    MC_ASSERT(again.path == out.path, "and reads the same again");
    MC_ASSERT(out.path.empty() || is_file_name(out.name()), "its last part is a name");
  }
  if (is_file_name(text)) {
    MC_ASSERT(parse_service_path(text, {}, out) == PathFault::kNone && out.path == text,
              "a name is a path of one part");
  }
  return 0;
}
