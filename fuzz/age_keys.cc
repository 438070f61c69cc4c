// Any bytes as a file of recipients or identities: what is read is written the same.
#include "dsl/archive/age_keys.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsl::archive;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto recipients = parse_recipients(text)) {
    MC_ASSERT(!recipients->empty() && recipients->size() <= kAgeKeysMax, "as many as there may be");
    for (const AgeRecipient& recipient : *recipients) {
      MC_ASSERT(text.find(recipient.to_text()) != std::string_view::npos, "it stands there");
    }
  }
  if (const auto identities = parse_identities(text)) {
    MC_ASSERT(!identities->empty() && identities->size() <= kAgeKeysMax, "as many as there may be");
    for (const AgeIdentity& identity : *identities) {
      const dsl::Secret written = identity.to_text();
      const std::string_view line(reinterpret_cast<const char*>(written.expose().data()),
                                  written.size());
      MC_ASSERT(text.find(line) != std::string_view::npos, "it stands there");
    }
  }
  return 0;
}
