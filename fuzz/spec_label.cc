// Labels of a container that somebody else made: refused, or a whole specification. The input is
// "key=value" lines, so that every label can be wrong, not only mcp.spec.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp/model/model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mcp::model;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)service_from_json(text);

  std::map<std::string, std::string> labels;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      labels[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  const auto spec = service_from_labels(labels);
  if (spec && spec->service.find(spec->component) == nullptr) {
    std::abort();
  }
  return 0;
}
