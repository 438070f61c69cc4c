#include "mcns/forward/health.h"

#include <gtest/gtest.h>

namespace mcns {
namespace {

using State = Health::State;
using std::chrono::milliseconds;

TEST(Health, NobodyKnowsAtFirst) {
  const Health health(HealthOptions{});

  EXPECT_EQ(health.state(), State::kUnknown);
  EXPECT_TRUE(health.usable());
  EXPECT_GE(health.hedge_after(), milliseconds(20));
}

TEST(Health, ThreeFailuresInARowMakeASuspect) {
  Health health(HealthOptions{});

  health.failed();
  health.failed();
  health.answered(milliseconds(5));
  health.failed();
  health.failed();
  EXPECT_TRUE(health.usable()) << "an answer came in between";
  health.failed();

  EXPECT_EQ(health.state(), State::kSuspect);
  EXPECT_FALSE(health.usable());
  EXPECT_EQ(health.probe_pause(), milliseconds(0)) << "it may have been the questions";
}

TEST(Health, ASuspectIsDownWhenTheProbeFailsToo) {
  Health health({.backoff_first = milliseconds(500), .backoff_max = milliseconds(30000)});
  for (int i = 0; i < 3; ++i) {
    health.failed();
  }

  health.failed();
  EXPECT_EQ(health.state(), State::kSuspect) << "questions do not tell more";
  health.probe_failed();
  EXPECT_EQ(health.state(), State::kDown);

  for (const int expected : {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000}) {
    EXPECT_EQ(health.probe_pause(), milliseconds(expected));
    health.probe_failed();
  }
}

TEST(Health, AnAnswerEndsIt) {
  Health health(HealthOptions{});
  for (int i = 0; i < 3; ++i) {
    health.failed();
  }
  health.probe_failed();

  health.answered(milliseconds(5));

  EXPECT_EQ(health.state(), State::kUp);
  health.failed();
  health.failed();
  EXPECT_EQ(health.state(), State::kUp) << "counted from zero";
}

TEST(Health, InDoubtTheNextProbeComesSooner) {
  Health health({.backoff_first = milliseconds(500), .probe_every = milliseconds(30000)});

  EXPECT_EQ(health.probe_pause(), milliseconds(30000));
  health.probe_failed();
  EXPECT_EQ(health.probe_pause(), milliseconds(500));
}

TEST(Health, ALoopStaysOneUntilTheProbeSaysOtherwise) {
  Health health(HealthOptions{});

  health.found_loop();
  health.answered(milliseconds(1));
  EXPECT_EQ(health.state(), State::kLoop);
  EXPECT_FALSE(health.usable());

  health.left_loop();
  EXPECT_EQ(health.state(), State::kUp);
}

TEST(Health, RoundTripsAreAveraged) {
  Health health(HealthOptions{});

  health.answered(milliseconds(8));
  EXPECT_DOUBLE_EQ(health.rtt_ms(), 8);
  health.answered(milliseconds(16));
  EXPECT_DOUBLE_EQ(health.rtt_ms(), 9);
}

TEST(Health, AnotherIsAskedAfterWhatNearlyAllAnswersTook) {
  Health health({.hedge_min = milliseconds(20)});
  for (int i = 0; i < 30; ++i) {
    health.answered(milliseconds(2));
  }
  EXPECT_EQ(health.hedge_after(), milliseconds(20));

  for (int i = 0; i < 32; ++i) {
    health.answered(milliseconds(i < 30 ? 50 : 900));
  }
  EXPECT_GE(health.hedge_after(), milliseconds(50));
  EXPECT_LE(health.hedge_after(), milliseconds(901));

  for (int i = 0; i < 32; ++i) {
    health.answered(milliseconds(50));
  }
  EXPECT_EQ(health.hedge_after(), milliseconds(51)) << "what is long ago does not count";
}

}  // namespace
}  // namespace mcns
