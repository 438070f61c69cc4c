// A stranger's shell text: it is refused, or its definitions resolve, and each word survives being
// quoted again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp/model/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mcp::model;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto words = split_shell(text)) {
    std::string quoted;
    for (const std::string& word : *words) {
      quoted += quote_shell(word) + " ";
    }
    const auto again = split_shell(quoted);
    if (!again || *again != *words) {
      std::abort();
    }
  }
  const auto converted = convert_run_lines(text, {}, {"rift", {}});
  if (!converted) {
    return 0;
  }
  for (const Converted& one : *converted) {
    // Volumes outside the roots are the one thing that is converted and then refused.
    Platform open;
    open.volume_roots = {"/", "/srv/mcp"};
    const auto definition = parse_definition(one.toml, one.name + ".toml");
    if (!definition || !resolve(*definition, open, {"rift", {}})) {
      std::abort();
    }
  }
  return 0;
}
