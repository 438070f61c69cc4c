// Numbers in SQLite's files are big-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dsl::replica {

inline std::uint32_t big_endian_32(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

inline std::uint64_t big_endian_64(std::span<const std::byte> bytes, std::size_t at) {
  return std::uint64_t{big_endian_32(bytes, at)} << 32 | big_endian_32(bytes, at + 4);
}

}  // namespace dsl::replica
