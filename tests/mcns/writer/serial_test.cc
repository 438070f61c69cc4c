#include "mcns/writer/serial.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace mcns::writer {
namespace {

using dsl::env::WallTime;
using store::SerialPolicy;

WallTime day(int year, unsigned month, unsigned number) {
  return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) /
                               static_cast<int>(number));
}

TEST(Serial, NewerIsByRfc1982) {
  EXPECT_TRUE(is_newer(2, 1));
  EXPECT_FALSE(is_newer(1, 1));
  EXPECT_FALSE(is_newer(1, 2));
  EXPECT_TRUE(is_newer(0, 0xffffffff));
  EXPECT_TRUE(is_newer(0x7fffffff, 0));
  EXPECT_FALSE(is_newer(0x80000000, 0)) << "2^31 apart is neither";
  EXPECT_FALSE(is_newer(0, 0x80000000));
}

TEST(Serial, FirstOfADayIsItsDate) {
  EXPECT_EQ(first_serial(SerialPolicy::kDate, day(2026, 1, 31)), 2026013101u);
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 2026013017, day(2026, 1, 31)), 2026013101u);
}

TEST(Serial, DayIsThatOfUtcToItsLastMillisecond) {
  const WallTime end = day(2027, 1, 1) - std::chrono::milliseconds(1);
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 2026123001, end), 2026123101u);
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 2026123101, day(2027, 1, 1)), 2027010101u);
}

TEST(Serial, RunsOnPastNinetyNine) {
  std::uint32_t serial = 2026031101;
  for (int i = 0; i < 149; ++i) {
    serial = next_serial(SerialPolicy::kDate, serial, day(2026, 3, 11));
  }
  EXPECT_EQ(serial, 2026031250u);
  // The next day goes on from there, the day after that is its own again.
  EXPECT_EQ(next_serial(SerialPolicy::kDate, serial, day(2026, 3, 12)), 2026031251u);
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 2026031251, day(2026, 3, 13)), 2026031301u);
}

TEST(Serial, OfAnotherSchemeGoesOnByOne) {
  // The future, such as a Unix time of a century ahead, and what is 2^31 away.
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 4000000000, day(2026, 3, 11)), 4000000001u);
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 2026031101u + 0x80000000u, day(2026, 3, 11)),
            2026031102u + 0x80000000u);
}

TEST(Serial, OfAnotherSchemeThatIsOlderBecomesTheDate) {
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 17, day(2026, 3, 11)), 2026031101u);
  // Wrapped: 2^32 - 1 is older than the date by RFC 1982, though it is the larger number.
  EXPECT_EQ(next_serial(SerialPolicy::kDate, 0xffffffff, day(2026, 3, 11)), 2026031101u);
}

TEST(Serial, SkipsZero) {
  EXPECT_EQ(next_serial(SerialPolicy::kIncrement, 0xffffffff, day(2026, 3, 11)), 1u);
  EXPECT_EQ(next_serial(SerialPolicy::kIncrement, 41, day(2026, 3, 11)), 42u);
  EXPECT_EQ(first_serial(SerialPolicy::kIncrement, day(2026, 3, 11)), 1u);
}

TEST(Serial, OfUnixTimeIsTheSecond) {
  const WallTime now = day(2026, 3, 11) + std::chrono::seconds(5);
  const auto seconds = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  EXPECT_EQ(first_serial(SerialPolicy::kUnixtime, now), seconds);
  EXPECT_EQ(next_serial(SerialPolicy::kUnixtime, seconds - 9, now), seconds);
  EXPECT_EQ(next_serial(SerialPolicy::kUnixtime, seconds, now), seconds + 1);
}

RC_GTEST_PROP(SerialProperty, NextIsAlwaysNewerAndNeverZero, ()) {
  const auto current = *rc::gen::arbitrary<std::uint32_t>();
  const auto policy =
      *rc::gen::element(SerialPolicy::kDate, SerialPolicy::kIncrement, SerialPolicy::kUnixtime);
  const WallTime now = day(2026, 1, 1) + std::chrono::hours(*rc::gen::inRange(0, 24 * 365 * 100));

  const std::uint32_t next = next_serial(policy, current, now);

  RC_ASSERT(next != 0u);
  RC_ASSERT(is_newer(next, current));
}

}  // namespace
}  // namespace mcns::writer
