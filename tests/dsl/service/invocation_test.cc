#include "dsl/service/invocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dsl::service {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::StartsWith;

TEST(Invocation, ASuccessorDoesNotReportToOurReadersDescriptor) {
  EXPECT_THAT(successor_arguments({"/x", "server", "--ready-fd", "3", "--once"}),
              ElementsAre("/x", "server", "--once"));
  EXPECT_THAT(successor_arguments({"/x", "--ready-fd=3", "server"}), ElementsAre("/x", "server"));
  EXPECT_THAT(successor_arguments({"/x", "--ready-fd"}), ElementsAre("/x"));
}

TEST(Invocation, IsTheAbsolutePathThatWasExecuted) {
  const Invocation invocation = Invocation::current(env::system_env(), false);

  EXPECT_THAT(invocation.argv.front(), StartsWith("/"));
  EXPECT_THAT(invocation.argv.front(), EndsWith("dsl_service_test"));
}

TEST(Invocation, UnderAnInitOfOursItCarriesTheContainer) {
  EXPECT_TRUE(Invocation::current(env::system_env(), true).carries_container);
}

}  // namespace
}  // namespace dsl::service
