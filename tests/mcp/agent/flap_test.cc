#include "mcp/agent/flap.h"

#include <gtest/gtest.h>

#include "support/manual_clock.h"

namespace mcp::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Flap : public ::testing::Test {
 protected:
  bool die_after(milliseconds time) {
    clock_.advance(time);
    return flap_.died(clock_.mono_now());
  }
  bool due_after(milliseconds time) {
    clock_.advance(time);
    return flap_.due(clock_.mono_now());
  }
  void healthy_for(milliseconds time) {
    flap_.healthy(clock_.mono_now());
    clock_.advance(time);
    flap_.healthy(clock_.mono_now());
  }
  void flap_first() {
    for (int i = 0; i < 5; ++i) {
      (void)die_after(seconds(1));
    }
  }

  dsl::test::ManualClock clock_;
  FlapControl flap_{FlapLimits{}};
};

TEST_F(Flap, FourDeathsInAMinuteAreLife) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(die_after(seconds(1)));
  }

  EXPECT_FALSE(flap_.flapping());
  EXPECT_FALSE(due_after(minutes(10))) << "nothing was stopped";
}

TEST_F(Flap, ATryThatCouldNotBeMadeIsDueAgain) {
  flap_first();
  ASSERT_TRUE(due_after(seconds(10)));

  flap_.put_off(clock_.mono_now());

  EXPECT_TRUE(flap_.flapping());
  EXPECT_FALSE(due_after(seconds(9)));
  EXPECT_TRUE(due_after(seconds(1)));
}

TEST_F(Flap, DeathsThatAreFarApartNeverAddUp) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(die_after(seconds(16))) << i;
  }
}

TEST_F(Flap, TheFifthDeathWithinAMinuteStopsIt) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(die_after(seconds(15)));
  }

  EXPECT_TRUE(die_after(seconds(0)));
  EXPECT_TRUE(flap_.flapping());
  EXPECT_EQ(flap_.backoff(), seconds(10));
  EXPECT_FALSE(die_after(seconds(0))) << "its own stop is no further death";
}

TEST_F(Flap, TheNextTryIsDueOnceAfterTenSeconds) {
  flap_first();

  EXPECT_FALSE(due_after(milliseconds(9999)));
  EXPECT_TRUE(due_after(milliseconds(1)));
  EXPECT_FALSE(flap_.flapping());
  EXPECT_FALSE(due_after(minutes(5))) << "once";
}

TEST_F(Flap, ATryThatDiesWaitsTwiceAsLongUpToFiveMinutes) {
  flap_first();

  for (const int expected : {20, 40, 80, 160, 300, 300}) {
    EXPECT_TRUE(due_after(minutes(5)));
    EXPECT_TRUE(die_after(seconds(1))) << "one death is enough";
    EXPECT_EQ(flap_.backoff(), seconds(expected));
  }
}

TEST_F(Flap, ShortHealthForgivesNothing) {
  flap_first();
  ASSERT_TRUE(due_after(seconds(10)));

  healthy_for(minutes(10) - milliseconds(1));

  EXPECT_TRUE(die_after(seconds(0)));
  EXPECT_EQ(flap_.backoff(), seconds(20));
}

TEST_F(Flap, HealthThatADeathInterruptsBeginsAnew) {
  flap_first();
  ASSERT_TRUE(due_after(seconds(10)));
  healthy_for(minutes(9));
  ASSERT_TRUE(die_after(seconds(0)));
  ASSERT_TRUE(due_after(seconds(20)));

  healthy_for(minutes(9));

  EXPECT_TRUE(die_after(seconds(0)));
}

TEST_F(Flap, TenHealthyMinutesClearEverything) {
  flap_first();
  ASSERT_TRUE(due_after(seconds(10)));

  healthy_for(minutes(10));

  EXPECT_EQ(flap_.backoff(), milliseconds(0));
  EXPECT_FALSE(die_after(seconds(1)));
}

}  // namespace
}  // namespace mcp::agent
