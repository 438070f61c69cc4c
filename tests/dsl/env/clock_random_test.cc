#include <atomic>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "support/test_env.h"

namespace dsl::env {
namespace {

using namespace std::chrono_literals;

TEST(FormatTime, IsRfc3339WithMilliseconds) {
  EXPECT_EQ(format_time(WallTime(0ms)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_time(WallTime(-1ms)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_time(WallTime(1775205900042ms)), "2026-04-03T08:45:00.042Z");
  EXPECT_EQ(format_time(WallTime(951827696000ms)), "2000-02-29T12:34:56.000Z");
}

TEST(SystemClock, WaitEndsAtItsDeadline) {
  Clock& clock = system_env().clock();
  std::mutex mutex;
  std::condition_variable cv;
  std::unique_lock lock(mutex);
  const MonoTime deadline = clock.mono_now() + 5ms;

  while (clock.wait_until(cv, lock, deadline)) {
  }

  EXPECT_GE(clock.mono_now(), deadline);
}

TEST(ManualClock, SleeperWakesWhenTheTimeHasCome) {
  test::ManualClock clock;
  std::atomic<bool> awake = false;
  std::thread sleeper([&] {
    clock.sleep_for(100ms);
    awake = true;
  });
  clock.await_waiters(1);

  clock.advance(99ms);
  EXPECT_FALSE(awake);
  clock.advance(1ms);

  sleeper.join();
  EXPECT_TRUE(awake);
  EXPECT_EQ(format_time(clock.now()), "2026-01-01T00:00:00.100Z");
}

TEST(ManualClock, WaiterOnAConditionSeesTheDeadline) {
  test::ManualClock clock;
  std::thread waiter([&, deadline = clock.mono_now() + 1h] {
    std::mutex mutex;
    std::condition_variable cv;
    std::unique_lock lock(mutex);
    while (clock.wait_until(cv, lock, deadline)) {
    }
  });
  clock.await_waiters(1);

  clock.advance(1h);

  waiter.join();
}

TEST(ManualClock, SleepsByItselfWhenAsked) {
  test::ManualClock clock;
  clock.sleep_by_itself();
  const MonoTime before = clock.mono_now();

  clock.sleep_for(24h);

  EXPECT_EQ(clock.mono_now() - before, 24h);
}

TEST(Random, BelowStaysBelowAndReachesEverything) {
  test::SeededRandom random(1);
  std::map<std::uint64_t, int> counts;

  for (int i = 0; i < 6000; ++i) {
    ++counts[random.below(6)];
  }

  ASSERT_EQ(counts.size(), 6u);
  for (const auto& [value, count] : counts) {
    EXPECT_LT(value, 6u);
    EXPECT_NEAR(count, 1000, 200);
  }
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, HexHasTwoDigitsPerByte) {
  const std::string id = system_env().random().hex(16);

  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(id, system_env().random().hex(16));
}

TEST(SeededRandom, SameSeedSameBytes) {
  test::SeededRandom a(7);
  test::SeededRandom b(7);
  test::SeededRandom c(8);

  const std::string id = a.hex(20);

  EXPECT_EQ(id, b.hex(20));
  EXPECT_NE(id, c.hex(20));
}

TEST(TestEnv, HasOnlyTheVariablesItIsGiven) {
  test::TestEnv env(1);
  env.variables["HOME"] = "/root";

  EXPECT_EQ(env.variable("HOME"), "/root");
  EXPECT_EQ(env.variable("PATH"), std::nullopt);
  EXPECT_TRUE(system_env().variable("PATH"));
}

}  // namespace
}  // namespace dsl::env
