// The heart of a deploy: whatever fails or dies at whatever moment, the service is afterwards
// entirely as it was, or entirely as it should be.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/test_node.h"
#include "support/result_matchers.h"

namespace mcp::agent {
namespace {

using dsl::test::require_ok;
using test::ForegroundOperation;
using test::Killed;
using test::Moments;
using test::TestNode;
using ::testing::ElementsAreArray;
using Lines = std::vector<std::string>;

// Unchanged component, changed ones (a new image; a new command), a removed one, fixed and
// allocated ports, gates.
constexpr const char* kBefore = R"(
name = "mcq"
version = "v1"
[[components]]
name = "db"
[components.health]
type = "none"
start_period = "0s"
[[components]]
name = "api"
after = ["db"]
ports = ["127.0.0.1:8443:8443"]
[components.health]
type = "exec"
cmd = ["/check"]
deadline = "5s"
[[components]]
name = "worker"
after = ["api"]
[components.health]
type = "none"
start_period = "0s"
[[components.routes]]
name = "web"
hostname = "web.example"
[[components]]
name = "legacy"
ports = ["127.0.0.1:9000:9000"]
[components.health]
type = "none"
start_period = "0s"
[[components.routes]]
name = "old"
hostname = "old.example"
)";

// As above, and "legacy" has given way to "metrics", on the same port.
constexpr const char* kAfter = R"(
name = "mcq"
version = "v1"
[[components]]
name = "db"
[components.health]
type = "none"
start_period = "0s"
[[components]]
name = "api"
version = "v2"
after = ["db"]
ports = ["127.0.0.1:8443:8443"]
[components.health]
type = "exec"
cmd = ["/check"]
deadline = "5s"
[[components]]
name = "worker"
after = ["api"]
cmd = ["work", "harder"]
[components.health]
type = "none"
start_period = "0s"
[[components.routes]]
name = "web"
hostname = "web.example"
[[components.routes]]
name = "admin"
hostname = "admin.example"
[[components]]
name = "metrics"
ports = ["127.0.0.1:9000:9000"]
[components.health]
type = "none"
start_period = "0s"
)";

struct Scenario {
  const char* name;
  const char* before;  // empty = the service's first deploy
  const char* after;
};

void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

// One node on which the deploy of `after` is about to happen.
class DeployedNode {
 public:
  explicit DeployedNode(const Scenario& scenario) : after_(scenario.after) {
    for (const char* image :
         {"mcq-db:v1", "mcq:v1", "mcq:v2", "mcq-worker:v1", "mcq-legacy:v1", "mcq-metrics:v1"}) {
      node.runtime.add_image(std::string("mcr.test:8443/") + image);
    }
    if (*scenario.before != '\0') {
      node.must_deploy("mcq", scenario.before);
    }
    ids_before = node.container_ids();
    before = state();
  }

  Result<void> deploy() { return node.deploy("mcq", after_); }
  Lines state() { return node.describe(ids_before); }

  // The agent is killed at this moment of the deploy. False when the deploy ended before it.
  bool deploy_and_die(std::size_t moment) {
    node.moments.arm(moment, Moments::Event::kKill);
    try {
      (void)deploy();
    } catch (const Killed&) {
    }
    const bool died = !node.moments.happened_at().empty();
    return died;
  }

  // The next agent replays what it finds, and is killed in that, too.
  void replay_and_die(std::size_t moment) {
    node.restart_agent();
    const auto open = require_ok(node.core().operations.left_open());
    node.moments.arm(moment, Moments::Event::kKill);
    for (const OpenOperation& left : open) {
      ForegroundOperation operation(node.core(), node.moments, left, false);
      try {
        (void)node.core().deployer.replay(left, operation);
      } catch (const Killed&) {
      }
    }
  }

  void next_agent() {
    node.restart_agent();
    node.begin_agent();
  }

  TestNode node;
  Lines ids_before;
  Lines before;

 private:
  const char* after_;
};

class DeployUnderFaults : public ::testing::TestWithParam<Scenario> {
 protected:
  // What an undisturbed deploy leads to.
  Lines wanted() {
    DeployedNode node(GetParam());
    require_ok(node.deploy());
    return node.state();
  }
};

TEST_P(DeployUnderFaults, OneFailedCallAtAnyMomentLeavesTheServiceOldOrNew) {
  const Lines after = wanted();

  bool failed = true;
  int rolled_back = 0;
  for (std::size_t moment = 0; failed; ++moment) {
    DeployedNode deployed(GetParam());
    deployed.node.moments.arm(moment, Moments::Event::kFailure);
    const Result<void> done = deployed.deploy();
    SCOPED_TRACE(::testing::Message()
                 << "moment " << moment << ", " << deployed.node.moments.happened_at());
    failed = !deployed.node.moments.happened_at().empty();
    deployed.next_agent();

    EXPECT_THAT(deployed.state(), ElementsAreArray(done ? after : deployed.before))
        << (done ? "succeeded" : done.error().render());
    if (!done) {
      EXPECT_EQ(deployed.node.last_result().state(), "rolled_back");
      ++rolled_back;
    }
  }
  EXPECT_GT(rolled_back, 10) << "the scenario does something";
}

// Part of MCP-A6, with the process itself left out: an agent ended at any call of the runtime or
// any commit of a deploy's journal leaves a state that the next agent turns into entirely the old
// or entirely the new one.
TEST_P(DeployUnderFaults, KilledAtAnyMomentTheNextAgentMakesItOldOrNew) {
  const Lines after = wanted();

  bool died = true;
  int old_count = 0;
  int new_count = 0;
  for (std::size_t moment = 0; died; ++moment) {
    DeployedNode deployed(GetParam());
    died = deployed.deploy_and_die(moment);
    SCOPED_TRACE(::testing::Message()
                 << "moment " << moment << ", " << deployed.node.moments.happened_at());
    deployed.next_agent();

    const Lines state = deployed.state();
    const bool is_old = state == deployed.before;
    old_count += is_old ? 1 : 0;
    new_count += is_old ? 0 : 1;
    if (!is_old) {
      EXPECT_THAT(state, ElementsAreArray(after));
    }
    EXPECT_TRUE(require_ok(deployed.node.core().operations.left_open()).empty());
  }
  EXPECT_GT(old_count, 10) << "killed before the commit";
  EXPECT_GT(new_count, 0) << "killed after the commit, or never";
}

// The replay may be interrupted like everything else: each of its undos can run twice.
TEST_P(DeployUnderFaults, KilledInTheReplayTooItStillEndsOldOrNew) {
  const Lines after = wanted();
  dsl::test::SeededRandom random;

  bool died = true;
  for (std::size_t moment = 0; died; ++moment) {
    DeployedNode deployed(GetParam());
    died = deployed.deploy_and_die(moment);
    const std::string first = deployed.node.moments.happened_at();
    const std::size_t second = random.below(24);
    deployed.replay_and_die(second);
    SCOPED_TRACE(::testing::Message() << "moment " << moment << ", " << first << "; then " << second
                                      << ", " << deployed.node.moments.happened_at());
    deployed.next_agent();

    const Lines state = deployed.state();
    if (state != deployed.before) {
      EXPECT_THAT(state, ElementsAreArray(after));
    }
  }
}

// After a crash nothing is in the way of the next try.
TEST_P(DeployUnderFaults, KilledAtAnyMomentTheNextDeploySucceeds) {
  const Lines after = wanted();

  bool died = true;
  for (std::size_t moment = 0; died; moment += 3) {
    DeployedNode deployed(GetParam());
    died = deployed.deploy_and_die(moment);
    SCOPED_TRACE(::testing::Message()
                 << "moment " << moment << ", " << deployed.node.moments.happened_at());
    deployed.next_agent();
    if (deployed.state() != after) {
      require_ok(deployed.deploy());
    }

    EXPECT_THAT(deployed.state(), ElementsAreArray(after));
  }
}

INSTANTIATE_TEST_SUITE_P(Deploy, DeployUnderFaults,
                         ::testing::Values(Scenario{"First", "", kBefore},
                                           Scenario{"Upgrade", kBefore, kAfter}),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace mcp::agent
