#include "mcp/runtime/leftovers.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <signal.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "mcp/runtime/liveness.h"
#include "podman_fixture.h"

namespace mcp::runtime::test {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::free_tcp_port;
using dsl::test::ok;
using dsl::test::require_ok;
using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr milliseconds kPlenty{20000};
constexpr milliseconds kGrace{300};

class LostDatabase : public PodmanTest {
 protected:
  static Proc proc() { return Proc(dsl::env::system_env().files()); }

  std::vector<Leftover> leftovers() {
    return find_leftovers(proc(), store().run_root(), ::getuid());
  }

  // Podman's database goes while everything runs.
  void lose_database() {
    require_ok(runtime().stop_service());
    runtime_.reset();
    std::filesystem::remove(store().graph_root() + "/libpod/bolt_state.db");
    runtime_ = open_runtime();
  }

  // A container on mcpnet with a published port.
  ContainerSpec service(const std::string& name) {
    ContainerSpec spec = sleeper(name, "mcpnet");
    spec.component.aliases = {name + "-alias"};
    spec.component.restart = "unless-stopped";
    spec.ports = {{"127.0.0.1", free_tcp_port(), 80}};
    return spec;
  }

  Liveness liveness(const Container& container) {
    return LivenessPass(proc(), ::getuid()).check(container);
  }
};

TEST_F(LostDatabase, ContainersOfOtherStoresAreNotOurs) {
  const std::string id = create_and_start(sleeper("a"));

  EXPECT_FALSE(leftovers().empty());
  EXPECT_TRUE(find_leftovers(proc(), "/srv/other/containers", ::getuid()).empty());
}

TEST_F(LostDatabase, RunningServicesAreFoundEndedAndCreatedAgain) {
  require_ok(runtime().ensure_network("mcpnet"));
  const std::vector<ContainerSpec> specs = {service("one"), service("two")};
  std::vector<std::string> ids;
  for (const auto& spec : specs) {
    ids.push_back(create_and_start(spec));
  }
  std::sort(ids.begin(), ids.end());

  lose_database();

  // Podman knows nothing, the image store still holds the names, and everything runs on.
  EXPECT_TRUE(require_ok(runtime().list(false)).empty());
  const auto listed = require_ok(runtime().list(true));
  ASSERT_EQ(listed.size(), 2u);
  for (const auto& container : listed) {
    EXPECT_TRUE(container.storage_only);
    EXPECT_EQ(container.pid, 0);
  }
  const auto taken = runtime().create(specs[0]);
  ASSERT_THAT(taken, failed_with(Code::kAlreadyExists));
  const auto found = leftovers();
  using Kind = Leftover::Kind;
  std::multiset<std::pair<std::string, Kind>> kinds;
  std::set<std::string> names;
  for (const auto& leftover : found) {
    kinds.emplace(leftover.container_id, leftover.kind);
    names.insert(leftover.name);
  }
  EXPECT_THAT(names, ElementsAre("one", "two"));
  for (const auto& id : ids) {
    EXPECT_EQ(kinds.count({id, Kind::kContainer}), 1u);
    EXPECT_EQ(kinds.count({id, Kind::kConmon}), 1u);
    EXPECT_EQ(kinds.count({id, Kind::kForwarder}), 2u) << "rootlessport and its child";
  }

  ASSERT_THAT(end_leftovers(dsl::env::system_env(), found, kGrace), ok());
  EXPECT_TRUE(leftovers().empty());
  for (const auto& id : ids) {
    ASSERT_THAT(runtime().remove_storage(id), ok());
  }
  EXPECT_TRUE(require_ok(runtime().list(true)).empty());

  require_ok(runtime().ensure_network("mcpnet"));
  for (const auto& spec : specs) {
    const std::string id = create_and_start(spec);
    EXPECT_EQ(liveness(require_ok(runtime().inspect(id))).reason, "");
  }
  std::string output;
  const auto deadline = std::chrono::steady_clock::now() + kPlenty;
  while (output.find("Name:") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    const auto answer = runtime().exec("two", {"nslookup", "one-alias", "10.89.0.1"}, kPlenty);
    output = answer ? answer->output : answer.error().render();
  }
  const auto first = output.find("Name:\tone-alias");
  EXPECT_NE(first, std::string::npos) << output;
  EXPECT_EQ(output.find("Name:\tone-alias", first + 1), std::string::npos)
      << "the dead container still answers: " << output;
}

TEST_F(LostDatabase, AContainerWithoutItsConmonIsFoundToo) {
  const std::string id = create_and_start(sleeper("a"));
  const Container container = require_ok(runtime().inspect(id));
  ASSERT_EQ(::kill(container.conmon_pid, SIGKILL), 0);

  std::vector<Leftover> found;
  do {
    found = leftovers();
  } while (found.size() > 1);

  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, Leftover::Kind::kContainer);
  EXPECT_EQ(found[0].container_id, id);
  EXPECT_EQ(found[0].pid, container.pid);
  EXPECT_THAT(end_leftovers(dsl::env::system_env(), found, milliseconds(0)), ok());
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(LostDatabase, AProcessThatIsNotTheOneFoundIsPassedOver) {
  const std::string id = create_and_start(sleeper("a"));
  auto found = leftovers();
  for (auto& leftover : found) {
    ++leftover.start_ticks;
  }

  EXPECT_THAT(end_leftovers(dsl::env::system_env(), found, milliseconds(0)), ok());
  EXPECT_EQ(liveness(require_ok(runtime().inspect(id))).state, Liveness::State::kAlive);
}

TEST_F(LostDatabase, AKilledForwarderIsAPortDeadThoughPodmanSaysRunning) {
  require_ok(runtime().ensure_network("mcpnet"));
  const ContainerSpec spec = service("a");
  const std::string id = create_and_start(spec);
  ASSERT_EQ(liveness(require_ok(runtime().list(false)).at(0)).state, Liveness::State::kAlive);

  for (const auto& leftover : leftovers()) {
    if (leftover.kind == Leftover::Kind::kForwarder) {
      ::kill(leftover.pid, SIGKILL);
    }
  }
  Liveness now;
  Container container;
  do {
    container = require_ok(runtime().list(false)).at(0);
    now = liveness(container);
  } while (now.state == Liveness::State::kAlive);

  EXPECT_EQ(container.state, State::kRunning);
  EXPECT_EQ(now.state, Liveness::State::kPortDead);
  EXPECT_EQ(now.port, spec.ports[0]);
}

TEST_F(LostDatabase, AKilledContainerWithItsConmonIsStaleThoughPodmanSaysRunning) {
  const std::string id = create_and_start(sleeper("a"));
  const Container before = require_ok(runtime().inspect(id));
  ::kill(before.conmon_pid, SIGKILL);
  ::kill(before.pid, SIGKILL);

  Liveness now;
  Container container;
  do {
    container = require_ok(runtime().list(false)).at(0);
    now = liveness(container);
  } while (now.state == Liveness::State::kAlive);

  EXPECT_EQ(container.state, State::kRunning);
  EXPECT_EQ(now.state, Liveness::State::kStale);
  EXPECT_THAT(runtime().remove(id, true), ok());
  EXPECT_TRUE(require_ok(runtime().list(true)).empty());
}

}  // namespace
}  // namespace mcp::runtime::test
