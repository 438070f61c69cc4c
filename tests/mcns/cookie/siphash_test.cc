#include "mcns/cookie/siphash.h"

#include <string>

#include <gtest/gtest.h>

namespace mcns::cookie {
namespace {

// The octets 0, 1, 2, ...
std::string counting(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += static_cast<char>(i);
  }
  return out;
}

std::uint64_t hash(std::size_t size) {
  return siphash24(SipKey::from(counting(16)), counting(size));
}

// Of the reference implementation's vectors, and the example of the paper's appendix (15 octets).
TEST(SipHash, ReferenceVectors) {
  EXPECT_EQ(hash(0), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(hash(1), 0x74f839c593dc67fdU);
  EXPECT_EQ(hash(7), 0xab0200f58b01d137U);
  EXPECT_EQ(hash(8), 0x93f5f5799a932462U);
  EXPECT_EQ(hash(15), 0xa129ca6149be45e5U);
  EXPECT_EQ(hash(16), 0x3f2acc7f57c29bdbU);
  EXPECT_EQ(hash(63), 0x958a324ceb064572U);
}

TEST(SipHash, DependsOnBothHalvesOfTheKey) {
  const std::uint64_t with = siphash24({1, 2}, "data");

  EXPECT_NE(siphash24({1, 3}, "data"), with);
  EXPECT_NE(siphash24({3, 2}, "data"), with);
}

}  // namespace
}  // namespace mcns::cookie
