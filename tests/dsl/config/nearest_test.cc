#include "dsl/config/nearest.h"

#include <vector>

#include <gtest/gtest.h>

namespace dsl::config {
namespace {

const std::vector<std::string> kWords{"deploy", "ps", "status", "list", "logs"};

TEST(Nearest, NothingNearIsEmpty) {
  EXPECT_EQ(nearest("certificate", kWords), "");
  EXPECT_EQ(nearest("xy", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("deploy", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'd'), kWords), "");
}

TEST(Nearest, FindsOneMissingExtraWrongOrSwappedLetter) {
  EXPECT_EQ(nearest("deplo", kWords), "deploy");
  EXPECT_EQ(nearest("statuss", kWords), "status");
  EXPECT_EQ(nearest("liss", kWords), "list");
  EXPECT_EQ(nearest("dpeloy", kWords), "deploy");
  EXPECT_EQ(nearest("pss", kWords), "ps");
}

TEST(Nearest, PrefersTheSmallestDistance) {
  const std::vector<std::string> words{"agent.tock", "agent.tick"};

  EXPECT_EQ(nearest("agent.tik", words), "agent.tick");
  EXPECT_EQ(nearest("agent.tick", words), "agent.tick");
}

TEST(Nearest, LongWordsMayDifferByAThird) {
  const std::vector<std::string> words{"replica.snapshots"};

  EXPECT_EQ(nearest("replicas.snapshot", words), "replica.snapshots");
  EXPECT_EQ(nearest("relicasnaphot", words), "replica.snapshots");
}

}  // namespace
}  // namespace dsl::config
