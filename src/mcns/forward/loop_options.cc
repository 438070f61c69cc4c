#include "mcns/forward/loop_options.h"

#include <algorithm>
#include <array>

#include "mcns/wire/octets.h"

namespace mcns {
namespace {

constexpr std::size_t kOptionHeader = 4;  // code and length
constexpr std::size_t kNonceSize = 8;

// The data of the first option with that code and size.
std::optional<std::string_view> find_option(std::string_view options, std::uint16_t code,
                                            std::size_t size) {
  while (options.size() >= kOptionHeader) {
    const std::size_t length = read16(options, 2);
    if (options.size() - kOptionHeader < length) {
      return std::nullopt;
    }
    if (read16(options, 0) == code && length == size) {
      return options.substr(kOptionHeader, length);
    }
    options.remove_prefix(kOptionHeader + length);
  }
  return std::nullopt;
}

void append_option(Bytes& options, std::uint16_t code, std::string_view data) {
  std::array<char, kOptionHeader> header{};
  write16(header.data(), code);
  write16(header.data() + 2, static_cast<std::uint16_t>(data.size()));
  options.append(header.data(), header.size());
  options.append(data);
}

}  // namespace

std::optional<std::uint64_t> loop_nonce_in(std::string_view options) {
  const auto data = find_option(options, kOptionLoopNonce, kNonceSize);
  if (!data) {
    return std::nullopt;
  }
  return (std::uint64_t{read32(*data, 0)} << 32U) | read32(*data, 4);
}

int hops_in(std::string_view options) {
  const auto data = find_option(options, kOptionHops, 1);
  return data ? read8(*data, 0) : 0;
}

void append_loop_nonce(Bytes& options, std::uint64_t nonce) {
  std::array<char, kNonceSize> data{};
  write32(data.data(), static_cast<std::uint32_t>(nonce >> 32U));
  write32(data.data() + 4, static_cast<std::uint32_t>(nonce));
  append_option(options, kOptionLoopNonce, {data.data(), data.size()});
}

void append_hops(Bytes& options, int hops) {
  const char data = static_cast<char>(std::clamp(hops, 0, int{UINT8_MAX}));
  append_option(options, kOptionHops, {&data, 1});
}

}  // namespace mcns
