#include "mcp/agent/id_view.h"

#include <gtest/gtest.h>

namespace mcp::agent {
namespace {

TEST(IdView, SeesTheUserAsRootAndItsSubordinatesFromOneOn) {
  const IdView view(850, {{.first = 100000, .count = 65536}, {.first = 500000, .count = 10}});

  EXPECT_EQ(view.inside(850), 0);
  EXPECT_EQ(view.inside(100000), 1);
  EXPECT_EQ(view.inside(100999), 1000);
  EXPECT_EQ(view.inside(165535), 65536);
  EXPECT_EQ(view.inside(500000), 65537);
}

TEST(IdView, SeesNoOtherId) {
  const IdView view(850, {{.first = 100000, .count = 65536}});

  for (const std::uint32_t host : {0U, 851U, 99999U, 165536U, 4294967295U}) {
    EXPECT_EQ(view.inside(host), -1) << host;
  }
  EXPECT_EQ(IdView(850, {}).inside(100000), -1);
}

TEST(IdView, OfTheHostsRootIsTheHosts) { EXPECT_EQ(IdView(0, {}).inside(1234), 1234); }

}  // namespace
}  // namespace mcp::agent
