// A stranger's definition: it is refused with a place, or resolves to a service that is the same
// after canonical JSON and after TOML.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp/model/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mcp::model;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Node node{"rift", {{"lan", "127.0.1.1"}, {"overlay", "127.0.2.1"}}};
  const auto definition = parse_definition(text, "x.toml");
  if (!definition) {
    return 0;
  }
  const auto service = resolve(*definition, {}, node);
  if (!service) {
    return 0;
  }
  (void)lint(*service);
  (void)render_run(*service, {});

  const auto from_json = service_from_json(canonical_json(*service));
  const auto again = parse_definition(render_toml(*service), "x.toml");
  const auto from_toml = again ? resolve(*again, {}, node) : tl::unexpected(again.error());
  if (!from_json || *from_json != *service || !from_toml || *from_toml != *service) {
    std::abort();
  }
  return 0;
}
