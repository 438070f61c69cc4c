// Numbers in messages: the high octet first, nowhere aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcns {

inline std::uint8_t read8(std::string_view octets, std::size_t at) {
  return static_cast<std::uint8_t>(octets[at]);
}

inline std::uint16_t read16(std::string_view octets, std::size_t at) {
  return static_cast<std::uint16_t>((read8(octets, at) << 8U) | read8(octets, at + 1));
}

inline std::uint32_t read32(std::string_view octets, std::size_t at) {
  return (std::uint32_t{read16(octets, at)} << 16U) | read16(octets, at + 2);
}

inline void write16(char* at, unsigned number) {
  at[0] = static_cast<char>(number >> 8U);
  at[1] = static_cast<char>(number & 0xffU);
}

inline void write32(char* at, std::uint32_t number) {
  write16(at, static_cast<std::uint16_t>(number >> 16U));
  write16(at + 2, static_cast<std::uint16_t>(number & 0xffffU));
}

}  // namespace mcns
