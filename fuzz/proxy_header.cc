// Any bytes in front of a connection: a header that is as long as it says, or none.
#include "dsl/net/proxy_header.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsl::net;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  const auto header = parse_proxy_header(bytes);
  if (!header || !*header) {
    return 0;
  }

  MC_ASSERT((*header)->size <= size && (*header)->size <= kProxyHeaderMax,
            "it is within the bytes");
  // What follows changes nothing, and one byte less is not enough.
  const auto alone = parse_proxy_header(bytes.substr(0, (*header)->size));
  MC_ASSERT(alone && *alone && (*alone)->size == (*header)->size, "it ends where it says");
  const auto cut = parse_proxy_header(bytes.substr(0, (*header)->size - 1));
  MC_ASSERT(cut && !*cut, "all of it is needed");
  if ((*header)->proxied) {
    const std::string again = proxy_header_v2((*header)->source, (*header)->destination);
    const auto parsed = parse_proxy_header(again);
    MC_ASSERT(parsed && *parsed && to_text((*parsed)->source) == to_text((*header)->source),
              "addresses survive");
  }
  return 0;
}
