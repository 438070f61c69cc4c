#include "mcp/recovery/retention.h"

#include <algorithm>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mcp::recovery {
namespace {

using dsl::env::WallTime;
using std::chrono::days;
using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 26) + hours(3);

RetainedPoint point(int days_old) {
  return {.id = "p" + std::to_string(days_old), .time = kNow - days(days_old)};
}

RetentionRule only(int daily, int weekly, int monthly) {
  return {.keep_within = days(0),
          .daily = daily,
          .weekly = weekly,
          .monthly = monthly,
          .min_age = days(0)};
}

TEST(Retention, KeepsTheNewestOfEachDay) {
  RetainedPoint earlier = point(2);
  earlier.id = "earlier";
  earlier.time -= hours(1);

  EXPECT_THAT(to_prune(only(3, 0, 0), {point(1), point(2), earlier, point(3), point(4)}, kNow),
              ElementsAre("p4", "earlier"));
}

// A day without a point costs none of the days that are kept.
TEST(Retention, CountsDaysThatHaveAPoint) {
  EXPECT_THAT(to_prune(only(2, 0, 0), {point(1), point(9), point(20)}, kNow), ElementsAre("p20"));
}

TEST(Retention, KeepsWeeksAndMonthsBeyondDays) {
  // 26 November 2026 is a Thursday; its week begins at day 3.
  EXPECT_THAT(to_prune(only(1, 2, 0), {point(1), point(2), point(4), point(11)}, kNow),
              ElementsAre("p11", "p2"));
  EXPECT_THAT(to_prune(only(1, 0, 2), {point(1), point(30), point(40), point(70)}, kNow),
              ElementsAre("p70", "p40"));
}

TEST(Retention, NeverTouchesWhatIsYoungOrPinned) {
  RetentionRule rule = only(1, 0, 0);
  rule.min_age = days(7);
  RetainedPoint pinned = point(30);
  pinned.pinned = true;

  EXPECT_THAT(to_prune(rule, {point(1), point(3), point(7), point(8), pinned}, kNow),
              ElementsAre("p8"));
}

TEST(Retention, PartialPointSatisfiesNoRule) {
  RetainedPoint partial = point(1);
  partial.whole = false;

  EXPECT_THAT(to_prune(only(1, 0, 0), {partial, point(5), point(6)}, kNow),
              ElementsAre("p6", "p1"));
}

TEST(Retention, LeavesTheLastWholeAndTheLastVerifiedPoint) {
  RetainedPoint verified = point(400);
  verified.verified = true;

  EXPECT_THAT(to_prune(only(0, 0, 0), {point(300), verified, point(500)}, kNow),
              ElementsAre("p500"));
  EXPECT_THAT(to_prune(only(0, 0, 0), {point(300)}, kNow), IsEmpty());
}

// Whatever points there are and whatever the rules: what is left has the newest whole one, the
// newest verified one, everything pinned and young, and a point of each day that the rules count.
TEST(Retention, LeavesAGoodPointForEveryWindow) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same each time
  const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    RetentionRule rule{.keep_within = days(below(20)),
                       .daily = below(8),
                       .weekly = below(4),
                       .monthly = below(4),
                       .min_age = days(below(10))};
    std::vector<RetainedPoint> points;
    for (int i = below(40); i > 0; --i) {
      points.push_back({.id = "p" + std::to_string(i),
                        .time = kNow - hours(below(24 * 200)),
                        .whole = below(4) != 0,
                        .verified = below(3) == 0,
                        .pinned = below(9) == 0});
    }
    const auto gone = to_prune(rule, points, kNow);
    const auto is_left = [&](const RetainedPoint& each) {
      return std::find(gone.begin(), gone.end(), each.id) == gone.end();
    };
    std::set<std::chrono::sys_days> newest_days;
    std::sort(points.begin(), points.end(),
              [](const auto& a, const auto& b) { return a.time > b.time; });
    bool any_whole = false;
    bool any_verified = false;
    for (const RetainedPoint& each : points) {
      const auto day = std::chrono::floor<days>(each.time);
      if (each.pinned || kNow - each.time <= std::max(rule.keep_within, rule.min_age)) {
        EXPECT_TRUE(is_left(each)) << each.id;
      }
      if (each.whole && !newest_days.contains(day) &&
          static_cast<int>(newest_days.size()) < rule.daily) {
        newest_days.insert(day);
      }
      if (each.whole && !any_whole) {
        any_whole = true;
        EXPECT_TRUE(is_left(each)) << each.id;
      }
      if (each.whole && each.verified && !any_verified) {
        any_verified = true;
        EXPECT_TRUE(is_left(each)) << each.id;
      }
    }
    for (const auto day : newest_days) {
      EXPECT_TRUE(std::any_of(points.begin(), points.end(), [&](const RetainedPoint& each) {
        return each.whole && is_left(each) && std::chrono::floor<days>(each.time) == day;
      }));
    }
  }
}

}  // namespace
}  // namespace mcp::recovery
