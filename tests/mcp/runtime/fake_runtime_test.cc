#include "support/runtime/fake_runtime.h"

#include <thread>

#include <gtest/gtest.h>

#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcp::runtime {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using std::chrono::milliseconds;
using testing::ElementsAre;

class Fake : public testing::Test {
 protected:
  Fake() { runtime_.add_image("registry/a:1"); }

  static ContainerSpec spec(const std::string& name) {
    ContainerSpec spec;
    spec.component.container = name;
    spec.component.image = "registry/a:1";
    spec.ports = {{"127.0.0.1", 8443, 443}};
    return spec;
  }

  dsl::test::TestEnv env_;
  FakeRuntime runtime_{env_};
};

TEST_F(Fake, RefusesWhatPodmanRefuses) {
  ContainerSpec unknown = spec("a");
  unknown.component.image = "registry/b:1";
  const std::string id = require_ok(runtime_.create(spec("a")));

  EXPECT_THAT(runtime_.create(unknown), failed_with(Code::kAlreadyExists));
  unknown.component.container = "b";
  EXPECT_THAT(runtime_.create(unknown), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(runtime_.start("nobody"), failed_with(Code::kNotFound));
  EXPECT_THAT(runtime_.kill(id, "KILL"), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(runtime_.remove("nobody", true), ok());
}

TEST_F(Fake, APortHeldElsewhereIsAConflictAtStart) {
  runtime_.occupy({"", 8443, 1});
  const std::string id = require_ok(runtime_.create(spec("a")));

  EXPECT_THAT(runtime_.start(id), failed_with(Code::kConflict));
  EXPECT_EQ(runtime_.find("a")->state, State::kCreated);

  runtime_.free({"", 8443, 1});
  EXPECT_THAT(runtime_.start(id), ok());
  const std::string second = require_ok(runtime_.create(spec("b")));
  EXPECT_THAT(runtime_.start(second), failed_with(Code::kConflict));
}

TEST_F(Fake, FaultsComeInOrderAndEnd) {
  runtime_.fail_next("create", dsl::Error(Code::kUnavailable, "gone"));

  EXPECT_THAT(runtime_.create(spec("a")), failed_with(Code::kUnavailable));
  EXPECT_THAT(runtime_.create(spec("a")), ok());
  EXPECT_THAT(runtime_.calls(), ElementsAre("create a", "create a"));
}

TEST_F(Fake, LatencySleepsOnTheClockGiven) {
  env_.use_real_clock();
  runtime_.set_latency("create", milliseconds(20));
  const auto before = env_.clock().mono_now();

  EXPECT_THAT(runtime_.create(spec("a")), ok());

  EXPECT_GE(env_.clock().mono_now() - before, milliseconds(20));
}

TEST_F(Fake, WithItsDatabaseLostOnlyTheStorageKnowsContainers) {
  const std::string id = require_ok(runtime_.create(spec("a")));
  require_ok(runtime_.start(id));

  runtime_.lose_database();

  EXPECT_TRUE(require_ok(runtime_.list(false)).empty());
  const auto listed = require_ok(runtime_.list(true));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_TRUE(listed[0].storage_only);
  EXPECT_THAT(runtime_.inspect("a"), failed_with(Code::kNotFound));
  EXPECT_THAT(runtime_.create(spec("a")), failed_with(Code::kAlreadyExists));
  EXPECT_THAT(runtime_.remove_storage(id), ok());
  EXPECT_THAT(runtime_.create(spec("a")), ok());
}

TEST_F(Fake, EventsAreDeliveredToAListener) {
  std::vector<std::string> actions;
  std::atomic<bool> listening = false;
  std::thread listener([&] {
    EXPECT_THAT(runtime_.events(
                    [&](const RuntimeEvent& event) {
                      actions.push_back(event.action);
                      return event.action != "died";
                    },
                    [&] {
                      listening = true;
                      return false;
                    }),
                ok());
  });
  while (!listening) {
    std::this_thread::yield();
  }
  const std::string id = require_ok(runtime_.create(spec("a")));
  require_ok(runtime_.start(id));
  runtime_.die("a", 3);
  listener.join();

  EXPECT_THAT(actions, ElementsAre("create", "start", "died"));
  EXPECT_EQ(runtime_.find("a")->exit_code, 3);
}

TEST_F(Fake, AnUnreachableRuntimeBreaksEverything) {
  runtime_.set_reachable(false);

  EXPECT_THAT(runtime_.list(true), failed_with(Code::kUnavailable));
  EXPECT_THAT(runtime_.events([](const RuntimeEvent&) { return true; }, {}),
              failed_with(Code::kUnavailable));
}

}  // namespace
}  // namespace mcp::runtime
