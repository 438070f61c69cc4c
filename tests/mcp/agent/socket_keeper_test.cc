// Sockets that outlive containers, and agents.
#include "mcp/agent/socket_keeper.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/env/socket_address.h"
#include "dsl/service/socket_exchange.h"
#include "mcp/agent/held_socket.h"
#include "mcp/agent/sample.h"
#include "mcp/model/codes.h"
#include "support/runtime/fake_runtime.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcp::agent {
namespace {

using dsl::Code;
using dsl::env::SocketAddress;
using dsl::env::UniqueFd;
using dsl::service::fetch_sockets;
using dsl::service::HandedSocket;
using dsl::test::failed_saying;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::TempDir;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::chrono::milliseconds kPatience{20'000};

SocketAddress address_of(const model::Socket& socket) {
  return require_ok(
      dsl::env::parse_socket_address(dsl::env::join_host_port(socket.host_ip, socket.host)));
}

// A UDP socket of the name "dns" where nobody listens.
model::Socket free_socket(const std::string& protocol = "udp", const std::string& name = "dns") {
  model::Socket socket{name, protocol, "127.0.0.1", 0, 53};
  const UniqueFd probe(::socket(AF_INET, protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM, 0));
  const SocketAddress any = address_of(socket);
  EXPECT_EQ(::bind(probe.get(), any.raw(), any.size), 0);
  socket.host = dsl::env::port_of(dsl::env::local_address(probe.get()));
  return socket;
}

void ask(const model::Socket& at, const std::string& question) {
  const UniqueFd client(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress to = address_of(at);
  EXPECT_EQ(::sendto(client.get(), question.data(), question.size(), 0, to.raw(), to.size),
            static_cast<ssize_t>(question.size()));
}

// The datagram that waits; "" when there is none.
std::string question_at(const UniqueFd& fd) {
  std::array<char, 512> bytes{};
  const ssize_t size = ::recv(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : "";
}

// Podman, with one container whose process is the test's.
class OneContainer final : public runtime::FakeRuntime {
 public:
  using FakeRuntime::FakeRuntime;
  Result<runtime::Container> inspect(const std::string& name) override {
    return container.name == name ? Result<runtime::Container>(container)
                                  : FakeRuntime::inspect(name);
  }
  runtime::Container container;
};

class Keeper : public ::testing::Test {
 protected:
  Keeper() {
    env_.use_real_files();
    config_.data_root = dir_.path();
    config_.database_path = dir_.file("mcp.db");
    registry_ = require_ok(Registry::open(env_, config_.database_path));
    events_.emplace(env_, *registry_);
    keeper_.emplace(env_, config_, runtime_, *events_);
  }
  // The agent's process ends and another begins: nothing is held in between.
  void start_anew() { keeper_.emplace(env_, config_, runtime_, *events_); }

  model::Service service(const std::vector<model::Socket>& sockets,
                         const std::string& component = "dns") const {
    model::Service made;
    made.name = "mcns";
    add(made, component, sockets);
    return made;
  }
  void add(model::Service& to, const std::string& name,
           const std::vector<model::Socket>& sockets) const {
    model::Component component;
    component.name = name;
    component.container = "mcns-" + name;
    component.sockets = sockets;
    component.sockets_dir =
        sockets.empty() ? "" : model::sockets_directory(config_.platform(), to.name, name);
    to.components.push_back(std::move(component));
  }
  ServiceRecord record_of(const model::Service& made) const {
    ServiceRecord record;
    record.service = made;
    for (const model::Component& component : made.components) {
      record.components.push_back(
          {.service = made.name, .name = component.name, .container = component.container});
    }
    return record;
  }
  Result<void> hold(const model::Service& made) {
    for (const model::Component& component : made.components) {
      MC_TRY(keeper_->hold(made, component));
    }
    return {};
  }
  static Result<std::vector<HandedSocket>> fetched(const model::Service& made) {
    return fetch_sockets(made.components[0].sockets_dir, kPatience);
  }

  TempDir dir_;
  dsl::test::TestEnv env_{1};
  Config config_;
  OneContainer runtime_{env_};
  std::unique_ptr<Registry> registry_;
  std::optional<EventLog> events_;
  std::optional<SocketKeeper> keeper_;
};

TEST_F(Keeper, TakenAddressNamesItsHolderAndWhatToDo) {
  const model::Socket socket = free_socket();
  const UniqueFd other = require_ok(bind_socket(socket));

  const Result<void> held = hold(service({socket}));

  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code(), Code::kConflict);
  EXPECT_EQ(held.error().id(), model::code::kPortTaken);
  EXPECT_THAT(held.error().message(), HasSubstr("(pid " + std::to_string(getpid()) + ")"));
  EXPECT_THAT(held.error().hint(), HasSubstr("mcp ports"));
}

TEST_F(Keeper, AddressThatTheNodeDoesNotHaveIsSaidToBeNone) {
  model::Socket socket = free_socket();
  socket.host_ip = "192.0.2.53";

  EXPECT_THAT(hold(service({socket})),
              failed_saying(Code::kUnavailable, "no address of this node"));
}

TEST_F(Keeper, SpecificationForAnotherPlaceIsRefusedAndNothingIsMadeThere) {
  model::Service elsewhere = service({free_socket()});
  elsewhere.components[0].sockets_dir = dir_.file("elsewhere");

  EXPECT_THAT(hold(elsewhere), failed_saying(Code::kFailedPrecondition, "deploy it again"));
  EXPECT_NE(::access(dir_.file("elsewhere").c_str(), F_OK), 0);
}

TEST_F(Keeper, HandsOverByNameInTheOrderOfTheDefinition) {
  const model::Socket udp = free_socket();
  const model::Socket tcp = free_socket("tcp");
  const model::Socket api = free_socket("tcp", "api");
  const model::Service mcns = service({udp, api, tcp});

  require_ok(hold(mcns));

  const auto handed = require_ok(fetched(mcns));
  ASSERT_THAT(handed, SizeIs(3));
  EXPECT_EQ(handed[0].name, "dns");
  EXPECT_TRUE(is_bound_as(handed[0].fd.get(), udp));
  EXPECT_EQ(handed[1].name, "api");
  EXPECT_TRUE(is_bound_as(handed[1].fd.get(), api));
  EXPECT_TRUE(is_bound_as(handed[2].fd.get(), tcp));
}

TEST_F(Keeper, DirectoryAndSocketAreForItsUserAlone) {
  const model::Service mcns = service({free_socket()});

  require_ok(hold(mcns));

  struct stat info {};
  ASSERT_EQ(::stat(mcns.components[0].sockets_dir.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  ASSERT_EQ(::stat((mcns.components[0].sockets_dir + "/agent.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(Keeper, QuestionWaitsWhileNoContainerIsThere) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});
  require_ok(hold(mcns));
  require_ok(fetched(mcns));  // the former container, which is gone at once

  ask(socket, "who?");

  EXPECT_EQ(question_at(require_ok(fetched(mcns))[0].fd), "who?");
}

TEST_F(Keeper, QuestionWaitsWhileTheSocketChangesHandsWithinTheService) {
  const model::Socket socket = free_socket();
  require_ok(hold(service({socket}, "former")));
  ask(socket, "who?");
  const model::Service next = service({socket}, "next");

  require_ok(hold(next));
  keeper_->keep_only("mcns", &next);

  EXPECT_EQ(question_at(require_ok(fetched(next))[0].fd), "who?");
}

TEST_F(Keeper, WhatTheComponentNoLongerHasIsClosed) {
  const model::Socket kept = free_socket();
  const model::Socket dropped = free_socket();
  require_ok(hold(service({kept, dropped})));

  const model::Service next = service({kept});
  require_ok(hold(next));

  EXPECT_THAT(require_ok(fetched(next)), SizeIs(1));
  EXPECT_THAT(bind_socket(dropped), ok());
  EXPECT_FALSE(bind_socket(kept));
}

TEST_F(Keeper, SocketMayGrowToEveryAddress) {
  model::Socket socket = free_socket();
  require_ok(hold(service({socket})));

  socket.host_ip = "0.0.0.0";

  EXPECT_THAT(hold(service({socket})), ok());
}

TEST_F(Keeper, StoppedComponentHoldsNothingAndKeepsItsDirectory) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});
  require_ok(hold(mcns));

  keeper_->close("mcns", "dns");

  EXPECT_THAT(bind_socket(socket), ok());
  EXPECT_FALSE(fetched(mcns));
  EXPECT_EQ(::access(mcns.components[0].sockets_dir.c_str(), F_OK), 0);
  EXPECT_THAT(hold(mcns), ok());  // as its start does
}

TEST_F(Keeper, UndeployedServiceLeavesNeitherSocketNorDirectory) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});
  require_ok(hold(mcns));

  keeper_->keep_only("mcns", nullptr);

  EXPECT_THAT(bind_socket(socket), ok());
  EXPECT_NE(::access(dir_.file("mcp/sockets/mcns").c_str(), F_OK), 0);
}

TEST_F(Keeper, ContainerIsToldWhyItGetsNoneAndGetsThemOnceTheyAreFree) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});
  UniqueFd other = require_ok(bind_socket(socket));
  ASSERT_FALSE(hold(mcns));

  const auto refused = fetched(mcns);
  other.reset();
  const auto handed = fetched(mcns);

  EXPECT_THAT(refused, failed_saying(Code::kUnavailable, "is taken"));
  EXPECT_THAT(handed, ok());
}

TEST_F(Keeper, CheckSeesAStrangerAndNotWhatGoesFirst) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});
  const UniqueFd other = require_ok(bind_socket(socket));
  model::Service publishing = service({});
  publishing.components[0].ports = {{"", socket.host, 53, "udp"}};

  EXPECT_FALSE(keeper_->check(mcns, mcns.components[0], nullptr));
  EXPECT_THAT(keeper_->check(mcns, mcns.components[0], &publishing), ok());
}

// --- another agent takes them back ---

// A process and its child, as process 1 of a container and its service; the child has a descriptor.
// Their parent is called conmon and names the container.
class ContainerProcess {
 public:
  ContainerProcess(const TempDir& dir, const UniqueFd& fd, const std::string& id) {
    const std::string conmon = dir.file("conmon");
    std::filesystem::copy_file("/bin/bash", conmon,
                               std::filesystem::copy_options::overwrite_existing);
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd said(ends[0]);
    UniqueFd say(ends[1]);
    monitor_ = ::fork();
    if (monitor_ == 0) {
      (void)::dup2(fd.get(), 9);
      (void)::dup2(say.get(), 8);
      ::execl(conmon.c_str(), "conmon", "-c",
              "/bin/bash -c '/bin/sleep 1000 8<&- & exec 9<&-; echo $$ $! >&8; exec 8<&-; wait' & "
              "exec 8<&-; wait",
              id.c_str(), nullptr);
      ::_exit(127);
    }
    say.reset();
    std::array<char, 64> line{};
    EXPECT_GT(::read(said.get(), line.data(), line.size() - 1), 0);
    EXPECT_EQ(std::sscanf(line.data(), "%d %d", &pid, &service_), 2);
  }
  ~ContainerProcess() {
    for (const pid_t each : {service_, pid, monitor_}) {
      (void)::kill(each, SIGKILL);
    }
    (void)::waitpid(monitor_, nullptr, 0);
  }
  ContainerProcess(const ContainerProcess&) = delete;
  ContainerProcess& operator=(const ContainerProcess&) = delete;

  pid_t pid = -1;

 private:
  pid_t monitor_ = -1;
  pid_t service_ = -1;
};

class Restore : public Keeper {
 protected:
  // The container of `made`, which holds what it was handed while the agent is away.
  void run_container(const model::Service& made, bool with_socket = true) {
    require_ok(hold(made));
    std::vector<HandedSocket> handed = require_ok(fetched(made));
    const UniqueFd none(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    process_.emplace(dir_, with_socket ? handed[0].fd : none, "id-4711");
    runtime_.container.id = "id-4711";
    runtime_.container.name = made.components[0].container;
    runtime_.container.state = runtime::State::kRunning;
    runtime_.container.labels = {{"mcp.managed", "1"}};
    runtime_.container.pid = process_->pid;
    handed.clear();
    start_anew();
  }

  const runtime::Proc proc_{dsl::env::system_env().files()};
  std::optional<ContainerProcess> process_;
};

TEST_F(Restore, TakesTheSameSocketBackFromTheLiveContainer) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});
  run_container(mcns);
  ask(socket, "who?");
  ASSERT_FALSE(bind_socket(socket));  // so that no second bind could pass for it

  keeper_->restore({record_of(mcns)});

  ASSERT_TRUE(keeper_->holds("mcns", mcns.components[0]));
  process_.reset();
  EXPECT_EQ(question_at(require_ok(fetched(mcns))[0].fd), "who?");
}

TEST_F(Restore, BindsAnewWhenNoContainerLives) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});

  keeper_->restore({record_of(mcns)});

  EXPECT_TRUE(keeper_->holds("mcns", mcns.components[0]));
}

TEST_F(Restore, BindsAnewWhenTheContainerHasNone) {
  const model::Service mcns = service({free_socket()});
  run_container(mcns, false);

  keeper_->restore({record_of(mcns)});

  EXPECT_TRUE(keeper_->holds("mcns", mcns.components[0]));
}

TEST_F(Restore, LeavesAProcessAloneThatIsNotTheContainers) {
  const model::Socket socket = free_socket();
  run_container(service({socket}));
  runtime_.container.id = "id-of-another";

  EXPECT_THAT(take_from_container(proc_, runtime_.container, {socket}), IsEmpty());
}

TEST_F(Restore, TakesOnlyWhatHasTheRightTypeAndAddress) {
  const model::Socket socket = free_socket();
  run_container(service({socket}));
  model::Socket other_type = socket;
  other_type.protocol = "tcp";
  model::Socket other_port = socket;
  other_port.host = static_cast<std::uint16_t>(socket.host - 1);
  model::Socket other_address = socket;
  other_address.host_ip = "127.0.0.2";

  const auto taken = take_from_container(proc_, runtime_.container,
                                         {other_type, other_port, other_address, socket});

  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_EQ(taken[0].wanted, 3u);
}

TEST_F(Restore, LeavesAContainerAloneThatWasMadeByHandAndPublishesThePort) {
  const model::Socket socket = free_socket();
  const model::Service mcns = service({socket});
  run_container(mcns);
  runtime_.container.labels.clear();
  process_.reset();

  keeper_->restore({record_of(mcns)});

  EXPECT_FALSE(keeper_->holds("mcns", mcns.components[0]));
  EXPECT_THAT(require_ok(events_->list(0, "mcns", 10)), IsEmpty());
}

TEST_F(Restore, FailureIsAnEventThatNamesTheComponent) {
  const model::Socket socket = free_socket();
  const UniqueFd other = require_ok(bind_socket(socket));
  const model::Service mcns = service({socket});

  keeper_->restore({record_of(mcns)});

  const auto events = require_ok(events_->list(0, "mcns", 10));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].kind, "sockets");
  EXPECT_THAT(events[0].message, HasSubstr("is taken"));
}

TEST_F(Restore, LeavesAComponentAloneThatIsStopped) {
  const model::Socket socket = free_socket();
  ServiceRecord record = record_of(service({socket}));
  record.components[0].should_run = false;

  keeper_->restore({record});

  EXPECT_THAT(bind_socket(socket), ok());
}

TEST(HeldSocket, OfAnotherNetworkIsAnotherSocket) {
  model::Socket socket = free_socket();
  socket.host_ip = "0.0.0.0";
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool apart = ::unshare(CLONE_NEWNET) == 0;
    const auto bound = bind_socket(socket);
    const char said = apart && bound ? 'y' : 'n';
    (void)!::write(ends[1], &said, 1);
    ::pause();
    ::_exit(0);
  }
  char said = 'n';
  EXPECT_EQ(::read(ends[0], &said, 1), 1);

  const auto taken =
      take_from_process(runtime::Proc(dsl::env::system_env().files()), child, {socket});

  (void)::kill(child, SIGKILL);
  (void)::waitpid(child, nullptr, 0);
  if (said == 'n') {
    GTEST_SKIP() << "a network namespace takes root";
  }
  EXPECT_THAT(taken, IsEmpty());
}

}  // namespace
}  // namespace mcp::agent
