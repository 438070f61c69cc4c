#include "dsl/log/limiter.h"

#include <gtest/gtest.h>

namespace dsl::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr env::MonoTime kStart{seconds{1000}};

int admitted(Limiter& limiter, int tries, env::MonoTime now, std::string_view message = "m") {
  int count = 0;
  for (int i = 0; i < tries; ++i) {
    count += limiter.admit(Level::kInfo, "c", message, now) ? 1 : 0;
  }
  return count;
}

TEST(Limiter, SilencesASiteAfterItsLinesUntilTheWindowEnds) {
  Limiter limiter;

  EXPECT_EQ(admitted(limiter, 50, kStart), 20);
  EXPECT_EQ(admitted(limiter, 5, kStart + milliseconds{9'999}), 0);
  EXPECT_EQ(limiter.next_report(), kStart + seconds{10});
  EXPECT_TRUE(limiter.expire(kStart + milliseconds{9'999}).empty());

  const auto reports = limiter.expire(kStart + seconds{10});
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].message, "m");
  EXPECT_EQ(reports[0].component, "c");
  EXPECT_EQ(reports[0].lines, 35u);
  EXPECT_EQ(limiter.next_report(), env::MonoTime::max());
  EXPECT_EQ(admitted(limiter, 50, kStart + seconds{10}), 20);
}

TEST(Limiter, NothingIsLostWhenTheReportComesLate) {
  Limiter limiter;

  EXPECT_EQ(admitted(limiter, 30, kStart), 20);
  EXPECT_EQ(admitted(limiter, 30, kStart + seconds{20}), 0);

  EXPECT_EQ(limiter.expire(kStart + seconds{20}).at(0).lines, 40u);
}

TEST(Limiter, SitesDifferByMessageComponentAndLevel) {
  Limiter limiter;

  EXPECT_EQ(admitted(limiter, 30, kStart, "a"), 20);
  EXPECT_EQ(admitted(limiter, 30, kStart, "b"), 20);
  EXPECT_TRUE(limiter.admit(Level::kInfo, "other", "a", kStart));
  EXPECT_TRUE(limiter.admit(Level::kWarn, "c", "a", kStart));
}

TEST(Limiter, AQuietSiteStartsANewWindow) {
  Limiter limiter;

  EXPECT_EQ(admitted(limiter, 15, kStart), 15);
  EXPECT_EQ(admitted(limiter, 15, kStart + seconds{10}), 15);
  EXPECT_TRUE(limiter.drain().empty());
}

TEST(Limiter, MemoryIsBoundedAndOldSitesMakeRoom) {
  Limiter limiter({.lines_max = 1, .window = seconds{10}, .sites_max = 2});

  EXPECT_EQ(admitted(limiter, 2, kStart, "a"), 1);
  EXPECT_EQ(admitted(limiter, 1, kStart, "b"), 1);
  EXPECT_EQ(admitted(limiter, 3, kStart, "no room"), 3);
  EXPECT_EQ(admitted(limiter, 3, kStart + seconds{10}, "b's room"), 1);
  EXPECT_EQ(limiter.drain().size(), 2u);
}

TEST(Limiter, FullMemoryIsSearchedForRoomNowAndThenOnly) {
  Limiter limiter(
      {.lines_max = 1, .window = seconds{10}, .sites_max = 1, .sweep_interval = seconds{30}});
  EXPECT_EQ(admitted(limiter, 1, kStart, "a"), 1);
  EXPECT_EQ(admitted(limiter, 3, kStart, "b"), 3);

  EXPECT_EQ(admitted(limiter, 3, kStart + seconds{10}, "b"), 3);
  EXPECT_EQ(admitted(limiter, 3, kStart + seconds{30}, "b"), 1);
}

}  // namespace
}  // namespace dsl::log
