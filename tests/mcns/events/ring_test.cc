#include "mcns/events/ring.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace mcns {
namespace {

EventHead numbered(std::int64_t number) {
  EventHead head;
  head.asked_ns = number;
  return head;
}

// Of a length and content that its number gives.
std::string octets_of(std::int64_t number) {
  return std::string(static_cast<std::size_t>(number * 37 % 900),
                     static_cast<char>('a' + number % 26));
}

TEST(EventRing, GivesBackWhatWasPutInItsOrder) {
  EventRing ring;
  EXPECT_TRUE(ring.put(numbered(1), "query", "response"));
  EXPECT_TRUE(ring.put(numbered(2), "", ""));

  std::vector<std::string> seen;
  const std::size_t count = ring.drain([&](const Event& event) {
    seen.push_back(std::to_string(event.head.asked_ns) + std::string(event.query) + "/" +
                   std::string(event.response));
  });

  EXPECT_EQ(count, 2U);
  EXPECT_EQ(seen, (std::vector<std::string>{"1query/response", "2/"}));
  EXPECT_EQ(ring.drain([](const Event&) { FAIL(); }), 0U);
}

TEST(EventRing, CountsWhatFindsNoRoom) {
  EventRing ring;
  const std::string half(EventRing::kSize / 3, 'x');
  EXPECT_TRUE(ring.put(numbered(1), half, ""));
  EXPECT_TRUE(ring.put(numbered(2), half, ""));
  EXPECT_FALSE(ring.put(numbered(3), half, ""));
  EXPECT_FALSE(ring.put(numbered(4), half, ""));
  EXPECT_EQ(ring.lost(), 2U);
  EXPECT_FALSE(ring.put(numbered(5), std::string(EventRing::kSize, 'x'), ""));

  EXPECT_EQ(ring.drain([](const Event&) {}), 2U);
  EXPECT_TRUE(ring.put(numbered(6), half, "")) << "there is room again";

  EXPECT_EQ(ring.drain([](const Event& event) { EXPECT_EQ(event.head.asked_ns, 6); }), 1U);
  EXPECT_EQ(ring.lost(), 3U);
}

TEST(EventRing, GoesRoundManyTimes) {
  EventRing ring;
  std::int64_t expected = 0;
  for (std::int64_t number = 0; number < 20000; ++number) {
    ASSERT_TRUE(ring.put(numbered(number), octets_of(number), octets_of(number + 1)));
    if (number % 700 == 699) {
      ring.drain([&](const Event& event) {
        ASSERT_EQ(event.head.asked_ns, expected);
        ASSERT_EQ(event.query, octets_of(expected));
        ASSERT_EQ(event.response, octets_of(expected + 1));
        ++expected;
      });
    }
  }
  EXPECT_EQ(ring.lost(), 0U);
  EXPECT_GT(expected, 19000);
}

TEST(EventRing, LosesNothingUncountedBetweenTwoThreads) {
  constexpr std::int64_t kCount = 100000;
  EventRing ring;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::int64_t number = 0; number < kCount; ++number) {
      (void)ring.put(numbered(number), octets_of(number), {});
    }
    done = true;
  });
  std::int64_t last = -1;
  std::uint64_t taken = 0;
  for (bool ends = false; !ends;) {
    ends = done;
    taken += ring.drain([&](const Event& event) {
      EXPECT_GT(event.head.asked_ns, last);
      last = event.head.asked_ns;
      EXPECT_EQ(event.query, octets_of(last));
    });
  }
  writer.join();

  EXPECT_EQ(taken + ring.lost(), static_cast<std::uint64_t>(kCount));
}

}  // namespace
}  // namespace mcns
