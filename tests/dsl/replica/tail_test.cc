// The framing of a tail: what the power cut off is told apart from damage.
#include <gmock/gmock.h>

#include "dsl/replica/sync_tail.h"
#include "support/result_matchers.h"

namespace dsl::replica {
namespace {

using test::failed_with;
using test::require_ok;
using ::testing::ElementsAre;

std::string framed(const std::string& record) {
  const auto length = static_cast<std::uint32_t>(record.size());
  std::string bytes;
  for (const std::uint32_t word : {length, ~length}) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(word >> shift & 0xff);
    }
  }
  return bytes + record;
}

Result<Tail> read(const std::string& bytes) {
  return read_tail(archive::source_of(bytes), 1u << 20);
}

TEST(Tail, GivesItsRecordsInOrder) {
  const Tail tail = require_ok(read(framed("one") + framed("") + framed("three")));

  EXPECT_THAT(tail.records, ElementsAre("one", "", "three"));
  EXPECT_FALSE(tail.torn);
}

TEST(Tail, CutAnywhereGivesTheRecordsBefore) {
  const std::string bytes = framed("one") + framed("another");
  for (std::size_t size = framed("one").size(); size < bytes.size(); ++size) {
    const Tail tail = require_ok(read(bytes.substr(0, size)));
    EXPECT_THAT(tail.records, ElementsAre("one")) << size;
    EXPECT_EQ(tail.torn, size > framed("one").size()) << size;
  }
}

// Some file systems leave zeros where an append had no time to arrive.
TEST(Tail, ZerosAtTheEndAreATornRecord) {
  const Tail tail = require_ok(read(framed("one") + std::string(100, '\0')));

  EXPECT_THAT(tail.records, ElementsAre("one"));
  EXPECT_TRUE(tail.torn);
}

// HOUSE-A21: A flipped bit in the length of a record is reported: it does not pass for a torn end.
TEST(Tail, EveryFlippedBitOfALengthIsDamage) {
  const std::string whole = framed("one") + framed("two");
  for (std::size_t bit = 0; bit < 64; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    EXPECT_THAT(read(bytes), failed_with(Code::kDataLoss)) << bit;
  }
}

}  // namespace
}  // namespace dsl::replica
