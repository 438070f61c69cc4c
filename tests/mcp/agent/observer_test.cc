// What is told of the containers right after the agent's start, and while podman does not answer.
#include "mcp/agent/observer.h"

#include <latch>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/test_node.h"

namespace mcp::agent {
namespace {

using std::chrono::seconds;
using test::TestNode;
using ::testing::UnorderedElementsAre;

constexpr const char* kDefinition = R"(
name = "mcq"
version = "v1"
[[components]]
name = "api"
[components.health]
type = "none"
start_period = "0s"
[[components]]
name = "worker"
[components.health]
type = "none"
start_period = "0s"
)";

// A node whose agent has just taken the place of another one.
class FirstLook : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.runtime.add_image("mcr.test:8443/mcq:v1");
    node_.runtime.add_image("mcr.test:8443/mcq-worker:v1");
    node_.must_deploy("mcq", kDefinition);
    node_.restart_agent();
  }

  std::vector<std::string> told() {
    std::vector<std::string> rows;
    for (const pb::ContainerState& state : node_.core().observer.states(true)) {
      rows.push_back(state.container() + " " + state.observed());
    }
    return rows;
  }

  TestNode node_;
};

// MCP-A12: Who asks an agent that has just started hears of every container, never of none.
TEST_F(FirstLook, IsWaitedFor) {
  node_.runtime.set_latency("list", seconds(3));

  node_.begin_agent();

  EXPECT_THAT(told(), UnorderedElementsAre("mcq-api running", "mcq-worker running"));
}

TEST_F(FirstLook, ThatTakesLongLeavesTheRegisteredOnesUnknown) {
  std::latch told_to_go_on(1);
  node_.runtime.set_fault([&](const std::string& call, const std::string&) {
    if (call == "list") {
      // Whenever who asks begins to wait: its patience ends.
      while (!told_to_go_on.try_wait()) {
        node_.env().manual_clock().advance(seconds(60));
        std::this_thread::yield();
      }
    }
    return std::nullopt;
  });

  node_.begin_agent();

  EXPECT_THAT(told(), UnorderedElementsAre("mcq-api unknown", "mcq-worker unknown"));
  told_to_go_on.count_down();
  node_.core().stop(seconds(0));
}

TEST_F(FirstLook, WithoutARuntimeLeavesTheRegisteredOnesUnknown) {
  node_.runtime.fail_next("list", dsl::fail(dsl::Code::kUnavailable, "podman is away"), 1000);

  node_.begin_agent();

  EXPECT_THAT(told(), UnorderedElementsAre("mcq-api unknown", "mcq-worker unknown"));
}

}  // namespace
}  // namespace mcp::agent
