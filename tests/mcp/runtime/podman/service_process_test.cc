#include "mcp/runtime/service_process.h"

#include <thread>

#include <signal.h>

#include "dsl/env/env.h"
#include "podman_fixture.h"

namespace mcp::runtime::test {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

class SpawnMode : public PodmanTest {
 protected:
  std::unique_ptr<ServiceProcess> open() {
    return require_ok(ServiceProcess::open(dsl::env::system_env(),
                                           store().runtime_dir() + "/mcp/podman.sock",
                                           store().home() + "/service.log"));
  }
};

TEST_F(SpawnMode, ALiveServiceIsAdoptedAndNotStartedTwice) {
  const std::string id = create_and_start(sleeper("a"));
  const auto first = open();
  const int pid = first->pid();
  ASSERT_GT(pid, 1);

  const auto second = open();

  EXPECT_EQ(second->pid(), pid);
  EXPECT_EQ(require_ok(runtime().inspect(id)).state, State::kRunning);
}

TEST_F(SpawnMode, AKilledServiceComesBackAndCallsWaitForIt) {
  const std::string id = create_and_start(sleeper("a"));
  const int before = open()->pid();
  const std::int32_t container_pid = require_ok(runtime().inspect(id)).pid;

  ASSERT_EQ(::kill(before, SIGKILL), 0);

  // The socket refuses for a second, then a new service answers: the call never notices.
  const auto inspected = runtime().inspect(id);
  ASSERT_THAT(inspected, ok());
  EXPECT_EQ(inspected->pid, container_pid);
  EXPECT_EQ(inspected->state, State::kRunning);
  EXPECT_NE(open()->pid(), before);
}

TEST_F(SpawnMode, AStoppedServiceStaysStoppedAndContainersRunOn) {
  const std::string id = create_and_start(sleeper("a"));
  const std::int32_t container_pid = require_ok(runtime().inspect(id)).pid;

  ASSERT_THAT(runtime().stop_service(), ok());

  EXPECT_EQ(::kill(container_pid, 0), 0);
  PodmanOptions options;
  options.mode = "socket";
  options.socket = runtime().socket_path();
  EXPECT_THAT(PodmanRuntime::open(dsl::env::system_env(), options),
              failed_with(Code::kUnavailable));
  runtime_ = open_runtime();
  EXPECT_EQ(require_ok(runtime().inspect(id)).pid, container_pid);
}

}  // namespace
}  // namespace mcp::runtime::test
