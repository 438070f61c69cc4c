// What the tests of age share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/age.h"
#include "support/result_matchers.h"
#include "support/seeded_random.h"

namespace dsl::archive {

// A reader that gave out `plain` before it ended, or before `outcome` was an error.
struct Reading {
  std::string plain;
  Result<void> outcome;
};

// Reads to the end through `source`, keeping what comes before an error.
inline Reading read_all(Source source, std::span<const AgeIdentity> identities,
                        const AgeReadOptions& options = {}) {
  Reading reading;
  auto reader = AgeReader::open(std::move(source), identities, options);
  if (!reader) {
    reading.outcome = fail(std::move(reader.error()));
    return reading;
  }
  while (true) {
    const auto chunk = reader->next();
    if (!chunk) {
      reading.outcome = fail(chunk.error());
      return reading;
    }
    if (chunk->empty()) {
      return reading;
    }
    reading.plain.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
  }
}

// At most `step` bytes a call.
inline Source in_steps(std::string_view bytes, std::size_t step) {
  return [source = source_of(bytes), step](std::span<std::byte> out) {
    return source(out.first(std::min(out.size(), step)));
  };
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Of no pattern, and the same for a size.
inline std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  test::SeededRandom(size).fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

// One identity that opens what is encrypted to `recipients`.
struct Keys {
  explicit Keys(std::uint64_t seed) {
    test::SeededRandom random(seed);
    identities.push_back(AgeIdentity::generate(random));
    recipients.push_back(identities[0].recipient());
  }
  std::vector<AgeIdentity> identities;
  std::vector<AgeRecipient> recipients;
};

inline std::vector<AgeIdentity> passphrase(std::string_view text) {
  std::vector<AgeIdentity> identities;
  identities.push_back(AgeIdentity::from_passphrase(Secret::from(text)));
  return identities;
}

}  // namespace dsl::archive
