// A service whose directory or replicated database is gone is stopped, and no other.
#include "mcp/agent/data_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/test_node.h"
#include "support/result_matchers.h"

namespace mcp::agent {
namespace {

using dsl::test::require_ok;
using test::TestNode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kDefinition = R"(
name = "mcq"
version = "v1"
[[components]]
name = "api"
[components.health]
type = "none"
start_period = "0s"
)";

class DataWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.runtime.add_image("mcr.test:8443/mcq:v1");
    node_.must_deploy("mcq", kDefinition);
  }

  void look(int times) {
    for (int i = 0; i < times; ++i) {
      watch_.look();
    }
  }
  dsl::env::FileSystem& files() { return node_.env().files(); }
  bool halted() { return require_ok(halted_for_data(node_.env(), *node_.core().registry, "mcq")); }

  TestNode node_;
  std::vector<DataWatch::Wanted> wanted_{{"mcq", "api", 0}};
  std::vector<std::string> stopped_;
  DataWatch watch_{node_.env(),
                   node_.config,
                   *node_.core().registry,
                   node_.core().events,
                   [this] { return wanted_; },
                   [this](const std::string& service) -> Result<void> {
                     stopped_.push_back(service);
                     return {};
                   }};
};

TEST_F(DataWatchTest, ServiceThatHasItsDirectoryIsLeftAlone) {
  look(3);
  EXPECT_THAT(stopped_, IsEmpty());
  EXPECT_FALSE(halted());
}

TEST_F(DataWatchTest, LostDirectoryStopsItAtTheSecondLook) {
  require_ok(files().remove("/srv/mcq"));
  look(1);
  EXPECT_THAT(stopped_, IsEmpty()) << "it may be on its way";
  look(1);
  EXPECT_THAT(stopped_, ElementsAre("mcq"));
  EXPECT_TRUE(halted());
}

TEST_F(DataWatchTest, DirectoryThatComesBackBetweenTwoLooksIsNone) {
  require_ok(files().remove("/srv/mcq"));
  look(1);
  require_ok(files().make_directories("/srv/mcq", 0750));
  look(2);
  EXPECT_THAT(stopped_, IsEmpty());
}

TEST_F(DataWatchTest, WhatIsNotToRunIsNotLookedAt) {
  require_ok(files().remove("/srv/mcq"));
  wanted_.clear();
  look(3);
  EXPECT_THAT(stopped_, IsEmpty());
}

TEST_F(DataWatchTest, ReplicatedDatabaseThatWasThereIsMissed) {
  require_ok(files().make_directories("/srv/replicas/mcq/mcq.db/00000001-12d5d4b5", 0700));
  look(2);
  EXPECT_THAT(stopped_, IsEmpty()) << "it was never there: a service that has not begun yet";
  require_ok(files().write_file("/srv/mcq/mcq.db", "rows"));
  look(2);
  EXPECT_THAT(stopped_, IsEmpty());
  require_ok(files().remove("/srv/mcq/mcq.db"));
  look(2);
  EXPECT_THAT(stopped_, ElementsAre("mcq"));
}

TEST_F(DataWatchTest, WhoeverStartsItAgainHasTheLastWord) {
  require_ok(files().remove("/srv/mcq"));
  look(2);
  ASSERT_TRUE(halted());
  node_.core().events.add(Severity::kInfo, "start", "mcq", "", "started");
  EXPECT_FALSE(halted());
}

}  // namespace
}  // namespace mcp::agent
