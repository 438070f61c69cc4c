#include "dsl/env/random.h"

#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::env {

std::uint64_t Random::below(std::uint64_t bound) {
  MC_ASSERT(bound > 0, "there is a value below the bound");
  // Values under `skip` are drawn again: what is left is a multiple of the bound, so that no
  // remainder is likelier than another.
  const std::uint64_t skip = (0 - bound) % bound;
  std::uint64_t value = 0;
  do {
    fill(std::as_writable_bytes(std::span(&value, 1)));
  } while (value < skip);
  return value % bound;
}

std::string Random::hex(std::size_t bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::vector<std::byte> raw(bytes);
  fill(raw);
  std::string out;
  out.reserve(bytes * 2);
  for (const std::byte byte : raw) {
    out += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    out += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
  }
  return out;
}

}  // namespace dsl::env
