// The textual header of an age file: https://c2sp.org/age, "Header".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/buffered_source.h"
#include "dsl/archive/crypto.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

// Beyond it a header is refused: several hundred recipients fit.
constexpr std::size_t kHeaderBytesMax = 64 << 10;

struct Stanza {
  std::vector<std::string> arguments;  // at least one, the first of which names its kind
  std::string body;                    // decoded
};

struct AgeHeader {
  std::vector<Stanza> stanzas;  // at least one
  std::string authenticated;    // what the MAC is over: all before the space of its line
  Bytes32 mac{};
};

// Reads a header and not a byte more. kDataLoss when it is none or not in the one form allowed, and
// kUnimplemented for another version of age; the message starts with "age header".
Result<AgeHeader> read_header(BufferedSource& input);

// The stanzas as they stand in a file, with the version line and a MAC under `file_key`.
std::string write_header(std::span<const Stanza> stanzas, const Secret& file_key);

// The MAC of `authenticated` under `file_key`.
Bytes32 header_mac(std::string_view authenticated, const Secret& file_key);

// age's base64 has no padding and one form for each value.
std::string raw_base64(std::string_view bytes);
std::optional<std::string> from_raw_base64(std::string_view text);

}  // namespace dsl::archive
