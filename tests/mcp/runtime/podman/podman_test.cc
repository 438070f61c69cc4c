#include "mcp/runtime/podman.h"

#include <atomic>
#include <set>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "podman_fixture.h"

namespace mcp::runtime::test {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::free_tcp_port;
using dsl::test::ok;
using dsl::test::require_ok;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

using Podman = PodmanTest;

constexpr milliseconds kPlenty{20000};

// Whether `condition` comes true in time: for what podman does behind the back of its replies.
bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPlenty;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

dsl::env::UniqueFd listen_on(std::uint16_t port) {
  dsl::env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  MC_ASSERT(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                ::listen(fd.get(), 1) == 0,
            "a listener");
  return fd;
}

TEST_F(Podman, AModeThatDoesNotExistIsRefused) {
  PodmanOptions options;
  options.mode = "docker";

  EXPECT_THAT(PodmanRuntime::open(dsl::env::system_env(), options),
              failed_with(Code::kInvalidArgument));
}

TEST_F(Podman, SocketModeWithoutASocketIsUnavailable) {
  PodmanOptions options;
  options.mode = "socket";
  options.socket = store().runtime_dir() + "/none.sock";

  EXPECT_THAT(PodmanRuntime::open(dsl::env::system_env(), options),
              failed_saying(Code::kUnavailable, "none.sock"));
}

TEST_F(Podman, AnUnknownImageIsAFailedPrecondition) {
  ContainerSpec spec = sleeper("a");
  spec.component.image = "localhost/nothing:1";

  EXPECT_THAT(runtime().create(spec), failed_saying(Code::kFailedPrecondition, "image not known"));
}

TEST_F(Podman, ATakenNameNamesItsHolder) {
  const std::string holder = require_ok(runtime().create(sleeper("a")));

  const auto second = runtime().create(sleeper("a"));

  ASSERT_THAT(second, failed_with(Code::kAlreadyExists));
  EXPECT_THAT(second.error().details(), ElementsAre(dsl::Detail{"holder", holder}));
}

TEST_F(Podman, APortInUseIsAConflictAndLeavesTheContainerCreated) {
  require_ok(runtime().ensure_network("mcpnet"));
  const std::uint16_t port = free_tcp_port();
  const auto occupied = listen_on(port);
  ContainerSpec spec = sleeper("a", "mcpnet");
  spec.ports = {{"127.0.0.1", port, 80}};
  const std::string id = require_ok(runtime().create(spec));

  EXPECT_THAT(runtime().start(id), failed_with(Code::kConflict));
  EXPECT_EQ(require_ok(runtime().inspect(id)).state, State::kCreated);
  EXPECT_THAT(runtime().remove(id, true), ok());
  // Podman itself leaves the name in the name server, where it would go on resolving.
  auto& files = dsl::env::system_env().files();
  const std::string network = store().run_root() + "/networks/aardvark-dns/mcpnet";
  EXPECT_THAT(files.read_file(network).value_or(""), testing::Not(HasSubstr(id)));
}

TEST_F(Podman, WhatIsNotThereIsNotFoundAndRemovingItSucceeds) {
  EXPECT_THAT(runtime().inspect("nobody"), failed_with(Code::kNotFound));
  EXPECT_THAT(runtime().start("nobody"), failed_with(Code::kNotFound));
  EXPECT_THAT(runtime().remove("nobody", true), ok());
  EXPECT_EQ(require_ok(runtime().image("localhost/nothing:1")), std::nullopt);
}

TEST_F(Podman, StartingTwiceAndStoppingTwiceSucceeds) {
  const std::string id = require_ok(runtime().create(sleeper("a")));

  EXPECT_THAT(runtime().start(id), ok());
  EXPECT_THAT(runtime().start(id), ok());
  EXPECT_EQ(require_ok(runtime().inspect("a")).state, State::kRunning);
  EXPECT_THAT(runtime().stop(id, milliseconds(500)), ok());
  EXPECT_THAT(runtime().stop(id, milliseconds(500)), ok());

  const Container stopped = require_ok(runtime().inspect(id));
  EXPECT_EQ(stopped.state, State::kExited);
  EXPECT_EQ(stopped.exit_code, 128 + SIGKILL);
}

TEST_F(Podman, ListAndInspectTellWhatWasCreated) {
  require_ok(runtime().ensure_network("mcpnet"));
  ContainerSpec spec = sleeper("a", "mcpnet");
  const std::uint16_t port = free_tcp_port();
  spec.ports = {{"127.0.0.1", port, 80}};
  spec.labels = {{"mcp.managed", "1"}};
  spec.env = {{"KEY", "value"}};
  spec.component.entrypoint = {"/bin/sh", "-c"};
  spec.component.cmd = {"sleep 1000"};
  spec.component.restart = "unless-stopped";
  spec.component.volumes = {{store().home(), "/data", {"ro"}}};

  const std::string id = create_and_start(spec);

  const auto listed = require_ok(runtime().list(false));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].id, id);
  EXPECT_EQ(listed[0].name, "a");
  EXPECT_EQ(listed[0].state, State::kRunning);
  EXPECT_EQ(listed[0].labels, spec.labels);
  EXPECT_EQ(listed[0].ports, spec.ports);
  EXPECT_GT(listed[0].started.time_since_epoch(), std::chrono::hours(24));
  const Container inspected = require_ok(runtime().inspect("a"));
  EXPECT_EQ(inspected.id, id);
  EXPECT_EQ(inspected.image, "localhost/bb:1");
  EXPECT_EQ(inspected.pid, listed[0].pid);
  EXPECT_GT(inspected.conmon_pid, 0);
  EXPECT_EQ(inspected.ports, spec.ports);
  EXPECT_EQ(inspected.entrypoint, spec.component.entrypoint);
  EXPECT_EQ(inspected.command, spec.component.cmd);
  EXPECT_EQ(inspected.mounts, spec.component.volumes);
  EXPECT_THAT(inspected.networks, ElementsAre("mcpnet"));
  EXPECT_EQ(inspected.network_mode, "bridge");
  EXPECT_EQ(inspected.user, "0:0");
  EXPECT_EQ(inspected.restart_policy, "unless-stopped");
  EXPECT_THAT(inspected.env, testing::Contains("KEY=value"));
}

TEST_F(Podman, RenameFreesTheNameAndKillEndsTheProcess) {
  const std::string id = create_and_start(sleeper("a"));
  require_ok(runtime().create(sleeper("b")));

  EXPECT_THAT(runtime().rename(id, "b"), failed_with(Code::kAlreadyExists));
  EXPECT_THAT(runtime().rename(id, "a.prev"), ok());
  EXPECT_THAT(runtime().kill(id, "NOSUCH"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(runtime().kill(id, "SIGKILL"), ok());
  EXPECT_THAT(runtime().stop(id, milliseconds(1000)), ok());
  EXPECT_THAT(runtime().kill(id, "KILL"), failed_with(Code::kFailedPrecondition));
  EXPECT_EQ(require_ok(runtime().inspect("a.prev")).id, id);
}

TEST_F(Podman, ExecGivesOutputAndExitCode) {
  const std::string id = create_and_start(sleeper("a"));

  const auto result =
      runtime().exec(id, {"sh", "-c", "echo out; echo err >&2; exit 3"}, milliseconds(10000));

  ASSERT_THAT(result, ok());
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_THAT(result->output, HasSubstr("out\n"));
  EXPECT_THAT(result->output, HasSubstr("err\n"));
}

TEST_F(Podman, ExecOutputIsBounded) {
  const std::string id = create_and_start(sleeper("a"));

  const auto result = runtime().exec(id,
                                     {"sh", "-c",
                                      "i=0; while [ $i -lt 3000 ]; do echo "
                                      "0123456789012345678901234567890123456789; i=$((i+1)); done"},
                                     milliseconds(20000));

  ASSERT_THAT(result, ok());
  EXPECT_EQ(result->output.size(), 64u << 10);
}

TEST_F(Podman, ExecThatRunsTooLongIsKilled) {
  const std::string id = create_and_start(sleeper("a"));

  EXPECT_THAT(runtime().exec(id, {"sleep", "500"}, milliseconds(300)),
              failed_with(Code::kDeadlineExceeded));

  EXPECT_TRUE(eventually([&] {
    const auto processes = runtime().exec(id, {"busybox", "ps"}, kPlenty);
    return processes && processes->output.find("sleep 1000") != std::string::npos &&
           processes->output.find("sleep 500") == std::string::npos;
  })) << "the process lives on";
}

TEST_F(Podman, LogsKeepStreamsTimesAndTheLastLineWithoutABreak) {
  ContainerSpec spec = sleeper("a");
  spec.component.cmd = {"sh", "-c", "echo one; echo two >&2; printf three"};
  const std::string id = create_and_start(spec);
  while (require_ok(runtime().inspect(id)).state == State::kRunning) {
    std::this_thread::yield();
  }
  std::vector<LogRecord> records;

  ASSERT_THAT(runtime().logs(id, {.timestamps = true},
                             [&](const LogRecord& record) {
                               records.push_back(record);
                               return true;
                             }),
              ok());

  ASSERT_EQ(records.size(), 3u);
  std::string all;
  for (const auto& record : records) {
    EXPECT_FALSE(record.time.empty());
    EXPECT_EQ(record.is_stderr, record.line == "two");
    all += record.line + ",";
  }
  EXPECT_THAT(all, HasSubstr("three"));
}

TEST_F(Podman, FollowingAQuietContainerEndsWhenAsked) {
  const std::string id = create_and_start(sleeper("a"));
  int asked = 0;

  EXPECT_THAT(
      runtime().logs(
          id, {.follow = true}, [](const LogRecord&) { return true; }, [&] { return ++asked > 2; }),
      ok());
}

TEST_F(Podman, EventsTellOfAContainersLife) {
  std::vector<std::string> actions;
  std::atomic<bool> listening = false;
  std::thread watcher([&] {
    const auto result = runtime().events(
        [&](const RuntimeEvent& event) {
          if (event.name == "a") {
            actions.push_back(event.action);
          }
          return event.action != "remove";
        },
        [&] {
          listening = true;
          return false;
        });
    EXPECT_THAT(result, ok());
  });
  while (!listening) {
    std::this_thread::yield();
  }
  // The stream is known to be open only once something has come through it.
  const std::string id = create_and_start(sleeper("a"));
  require_ok(runtime().remove(id, true));
  watcher.join();

  EXPECT_THAT(actions, testing::IsSupersetOf({"start", "died", "remove"}));
}

// The store's events file is rewritten when it has 64 kB, and podman then tells its half again.
TEST_F(Podman, EventsComeOnceThoughPodmanRewritesItsFile) {
  std::multiset<std::pair<std::int64_t, std::string>> told;
  std::atomic<bool> listening = false;
  std::thread watcher([&] {
    const auto result = runtime().events(
        [&](const RuntimeEvent& event) {
          told.emplace(event.time_ns, event.action);
          return event.name != "last" || event.action != "remove";
        },
        [&] {
          listening = true;
          return false;
        });
    EXPECT_THAT(result, ok());
  });
  while (!listening) {
    std::this_thread::yield();
  }

  for (int round = 0; round < 10; ++round) {
    ContainerSpec spec = sleeper(round < 9 ? "a" : "last");
    spec.labels["filler"] = std::string(4000, 'x');  // in each event of the container
    require_ok(runtime().remove(create_and_start(spec), true));
  }
  watcher.join();

  EXPECT_GE(told.size(), 40u);
  for (const auto& event : told) {
    EXPECT_EQ(told.count(event), 1u) << event.second << " at " << event.first;
  }
}

TEST_F(Podman, EventsEndWithinABlinkWhenStopped) {
  const auto before = std::chrono::steady_clock::now();

  EXPECT_THAT(runtime().events([](const RuntimeEvent&) { return true; }, [] { return true; }),
              ok());

  EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(1000));
}

TEST_F(Podman, PullReportsAFailureInsideItsStream) {
  EXPECT_THAT(runtime().pull("127.0.0.1:1/nothing:1", milliseconds(30000)),
              failed_saying(Code::kUnavailable, "connection refused"));
  EXPECT_THAT(runtime().pull("nothing", milliseconds(30000)), failed_with(Code::kInvalidArgument));
}

TEST_F(Podman, ImagesAreTaggedSavedAndLoaded) {
  const auto image = require_ok(runtime().image("localhost/bb:1"));
  ASSERT_TRUE(image);
  EXPECT_THAT(image->names, testing::Contains("localhost/bb:1"));
  EXPECT_THAT(image->digest, testing::StartsWith("sha256:"));

  ASSERT_THAT(runtime().tag(image->id, "registry.test:5000/other/bb:2"), ok());
  EXPECT_EQ(require_ok(runtime().image("registry.test:5000/other/bb:2"))->id, image->id);

  const std::string archive = store().home() + "/bb.tar";
  store().must({"save", "-q", "-o", archive, "registry.test:5000/other/bb:2"});
  store().must({"rmi", "registry.test:5000/other/bb:2"});
  EXPECT_EQ(require_ok(runtime().image("registry.test:5000/other/bb:2")), std::nullopt);
  ASSERT_THAT(runtime().load(archive), ok());
  EXPECT_TRUE(require_ok(runtime().image("registry.test:5000/other/bb:2")));
  EXPECT_THAT(runtime().load(store().home() + "/none.tar"), failed_with(Code::kNotFound));
  EXPECT_EQ(require_ok(runtime().images()).size(), 1u);
}

TEST_F(Podman, WhatSaveSendsLoadsAgain) {
  const std::string name = "registry.test:5000/other/bb:3";
  const auto image = require_ok(runtime().image("localhost/bb:1"));
  ASSERT_THAT(runtime().tag(image->id, name), ok());
  std::string archive;
  const auto append = [&](std::string_view piece) -> Result<void> {
    archive += piece;
    return {};
  };

  ASSERT_THAT(runtime().save(name, append), ok());
  store().must({"rmi", name});
  const std::string path = store().home() + "/saved.tar";
  ASSERT_THAT(dsl::env::system_env().files().write_file(path, archive), ok());

  EXPECT_EQ(require_ok(runtime().load(path)), std::vector<std::string>{name});
  EXPECT_EQ(require_ok(runtime().image(name))->id, image->id);
  EXPECT_THAT(runtime().save("localhost/none:1", append), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(runtime().save(name, append, [] { return true; }), failed_with(Code::kCancelled));
  EXPECT_THAT(
      runtime().save(
          name, [](std::string_view) -> Result<void> { return dsl::fail(Code::kNoSpace, "full"); }),
      failed_with(Code::kNoSpace));
}

TEST_F(Podman, EnsuredNetworksResolveAliases) {
  ASSERT_THAT(runtime().ensure_network("mcpnet"), ok());
  ASSERT_THAT(runtime().ensure_network("mcpnet"), ok());
  EXPECT_THAT(require_ok(runtime().networks()), testing::Contains("mcpnet"));

  ContainerSpec named = sleeper("a", "mcpnet");
  named.component.aliases = {"other-name"};
  create_and_start(named);
  const std::string id = create_and_start(sleeper("b", "mcpnet"));

  // The name server of a network starts with its first container, and podman does not wait for it.
  std::string output;
  EXPECT_TRUE(eventually([&] {
    const auto answer = runtime().exec(id, {"nslookup", "other-name", "10.89.0.1"}, kPlenty);
    output = answer ? answer->output : answer.error().render();
    return output.find("Name:\tother-name") != std::string::npos;
  })) << output;
}

TEST_F(Podman, InfoNamesTheStore) {
  const RuntimeInfo info = require_ok(runtime().info());

  EXPECT_EQ(info.graph_root, store().graph_root());
  EXPECT_EQ(info.run_root, store().run_root());
  EXPECT_EQ(info.driver, "overlay");
  EXPECT_TRUE(info.rootless);
  EXPECT_FALSE(info.version.empty());
}

TEST_F(Podman, ManyCallersShareTheConnections) {
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 24; ++i) {
    callers.emplace_back([&] { answered += runtime().list(true).has_value() ? 1 : 0; });
  }
  for (auto& caller : callers) {
    caller.join();
  }

  EXPECT_EQ(answered, 24);
}

}  // namespace
}  // namespace mcp::runtime::test
