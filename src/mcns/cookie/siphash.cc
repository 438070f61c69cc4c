#include "mcns/cookie/siphash.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include <endian.h>

namespace mcns::cookie {
namespace {

std::uint64_t read_word(const char* octets) {
  std::uint64_t word = 0;
  std::memcpy(&word, octets, sizeof(word));
  return le64toh(word);
}

struct State {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
};

}  // namespace

SipKey SipKey::from(std::string_view octets) {
  return {read_word(octets.data()), read_word(octets.data() + 8)};
}

std::uint64_t siphash24(const SipKey& key, std::string_view data) {
  State state{key.k0 ^ 0x736f6d6570736575ULL, key.k1 ^ 0x646f72616e646f6dULL,
              key.k0 ^ 0x6c7967656e657261ULL, key.k1 ^ 0x7465646279746573ULL};
  std::size_t at = 0;
  for (; data.size() - at >= 8; at += 8) {
    state.take(read_word(data.data() + at));
  }
  std::uint64_t last = std::uint64_t{data.size()} << 56U;
  for (std::size_t i = 0; at + i < data.size(); ++i) {
    last |= std::uint64_t{static_cast<std::uint8_t>(data[at + i])} << (8 * i);
  }
  state.take(last);
  state.v2 ^= 0xff;
  state.rounds(4);
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace mcns::cookie
