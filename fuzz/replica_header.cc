// Any bytes as what a mirror says of itself: names, header lines, closing notes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/replica/chain.h"
#include "dsl/replica/format.h"
#include "dsl/replica/names.h"

using namespace dsl::replica;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto name = parse_object(text)) {
    MC_ASSERT(name->name() == text, "a name has one form");
  }
  if (const auto base = parse_base_header(text)) {
    MC_ASSERT(base->length % base->page_bytes == 0, "a database has whole pages");
    MC_ASSERT(base->database.find('/') == std::string::npos, "a database is a file name");
    const auto again = parse_base_header(to_line(*base));
    MC_ASSERT(again && *again == *base, "a header is read as it is written");
  }
  if (const auto segment = parse_segment_header(text)) {
    MC_ASSERT(segment->end() == segment->commits.back().end, "it ends with a commit");
    const auto again = parse_segment_header(to_line(*segment));
    MC_ASSERT(again && *again == *segment, "a header is read as it is written");
  }
  EpochSummary summary;
  read_closing_note(text, summary);
  MC_ASSERT(summary.closed.has_value(), "a note closes");
  return 0;
}
