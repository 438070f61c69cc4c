// What the signature of a point says beside its content: which point it is, and which came before.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "mcp/recovery/manifest.h"

namespace mcp::recovery {

// Of the line that is not signed.
constexpr std::string_view kUntrustedComment = "backup point, see docs/formats/point.md";

struct TrustedComment {
  std::string id;
  Extent extent = Extent::kWhole;
  std::int64_t sequence = 0;
  std::string manifest_sha256;
  Predecessor previous;

  // "metacircular point <id> whole sequence 7 manifest <sha256> previous <id> <sha256>"
  std::string to_text() const;
};

// kDataLoss for another text.
Result<TrustedComment> parse_trusted_comment(std::string_view text);

}  // namespace mcp::recovery
