#include "mcns/figures/latency.h"

#include <gtest/gtest.h>

namespace mcns {
namespace {

TEST(Latency, CountsInTheBucketWhoseBoundIsNotExceeded) {
  Latency latency;
  latency.add(0);
  latency.add(250);  // a bound belongs to its bucket
  latency.add(251, 3);
  latency.add(5'000'000'000);
  latency.add(5'000'000'001);
  latency.add(-1);  // a clock that is read on two cores

  EXPECT_EQ(latency.count(0), 3U);
  EXPECT_EQ(latency.count(1), 3U);
  EXPECT_EQ(latency.count(Latency::kBuckets - 2), 1U);
  EXPECT_EQ(latency.count(Latency::kBuckets - 1), 1U);
  EXPECT_EQ(latency.sum_ns(), 250U + 3 * 251U + 5'000'000'000U + 5'000'000'001U);
}

}  // namespace
}  // namespace mcns
