#include "mcns/net/out_buffer.h"

#include <gtest/gtest.h>

namespace mcns::net {
namespace {

TEST(OutBuffer, GivesItsOctetsInOrder) {
  OutBuffer buffer;
  buffer.add('a');
  buffer.add("bcd");
  EXPECT_EQ(buffer.rest(), "abcd");

  buffer.took(3);
  EXPECT_EQ(buffer.rest(), "d");
  EXPECT_FALSE(buffer.empty());
  buffer.took(1);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.held_bytes(), 0U);
}

TEST(OutBuffer, HoldsLittleMoreThanItsRestThoughItNeverRunsEmpty) {
  OutBuffer buffer;
  const std::string answer(1000, 'x');
  buffer.add(answer);

  for (int i = 0; i < 10'000; ++i) {
    buffer.add(answer);
    buffer.took(answer.size());
    ASSERT_EQ(buffer.rest().size(), answer.size());
    ASSERT_LE(buffer.held_bytes(), OutBuffer::kTakenMax + answer.size());
  }
}

}  // namespace
}  // namespace mcns::net
