// Names without regard to case: eight octets at once.
#pragma once

#include <cstdint>

namespace mcns {

// Eight octets with ASCII letters in lower case. No sum carries into the next octet.
inline std::uint64_t lower8(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  const std::uint64_t low7 = word & (0x7f * kOnes);
  const std::uint64_t from_a = low7 + (0x80 - 'A') * kOnes;
  const std::uint64_t after_z = low7 + (0x80 - 'Z' - 1) * kOnes;
  const std::uint64_t letters = from_a & ~after_z & ~word & (0x80 * kOnes);
  return word | (letters >> 2U);
}

}  // namespace mcns
