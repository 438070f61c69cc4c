// Any text as what a backup point says of itself: a manifest, a trusted comment, a record of a
// restore, a name. What is read is written and read again the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "mcp/recovery/exchange.h"
#include "mcp/recovery/manifest.h"
#include "mcp/recovery/point_name.h"
#include "mcp/recovery/trusted_comment.h"

using namespace mcp::recovery;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = parse_manifest(text)) {
    const auto json = to_json(*manifest);
    const auto again = json ? parse_manifest(*json) : tl::unexpected(json.error());
    if (json && (!again || to_json(*again).value() != *json)) {
      std::abort();
    }
  }
  if (const auto comment = parse_trusted_comment(text); comment && comment->to_text() != text) {
    std::abort();
  }
  if (const auto name = parse_point_id(text); name && name->id() != text) {
    std::abort();
  }
  (void)parse_archive_name(text);
  (void)parse_record(text);
  return 0;
}
