// Bech32 (BIP 173) without its limit on length, as age writes keys.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

// Lower case when `prefix` is, else upper. A secret in both directions, since half of its use is.
Secret bech32_encode(std::string_view prefix, std::span<const std::byte> bytes);

struct Bech32 {
  std::string prefix;  // in the case it was written in
  Secret bytes;
};
// kInvalidArgument; the message never quotes the text.
Result<Bech32> bech32_decode(std::string_view text);

}  // namespace dsl::archive
