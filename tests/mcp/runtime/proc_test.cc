#include "mcp/runtime/proc.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "mcp/runtime/leftovers.h"
#include "mcp/runtime/liveness.h"
#include "mcp/runtime/name_server.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace mcp::runtime {
namespace {

using testing::ElementsAre;

constexpr std::string_view kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   850  0 1\n"
    "   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000   850  0 2\n"
    "   2: 00000000:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0  0 3\n"
    "   3: garbage\n"
    "   4: 0100007F 00000000:0000 0A 0 0 0 850\n";

TEST(Proc, StatWithAnyNameIsRead) {
  const std::string rest = " S 17 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";

  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("42 (name"));
  EXPECT_FALSE(parse_stat("42 (name) S 17"));
  const auto stat = parse_stat("42 (a) b (c)" + rest);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 42);
  EXPECT_EQ(stat->name, "a) b (c");
  EXPECT_EQ(stat->parent, 17);
  EXPECT_EQ(stat->start_ticks, 987654u);
  EXPECT_TRUE(stat->alive());
  EXPECT_FALSE(parse_stat("42 (x) Z" + rest.substr(2))->alive());
}

TEST(Proc, OurOwnProcessIsFound) {
  const Proc proc(dsl::env::system_env().files());

  const auto stat = proc.stat(::getpid());

  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent, ::getppid());
  EXPECT_EQ(proc.owner(::getpid()), ::getuid());
  EXPECT_FALSE(proc.cmdline(::getpid()).empty());
  EXPECT_FALSE(proc.stat(0));
}

TEST(Proc, OnlyWaitingSocketsAreListeners) {
  EXPECT_THAT(parse_listeners(kTcp, "tcp"), ElementsAre(Listener{"127.0.0.1", 8080, "tcp", 850},
                                                        Listener{"0.0.0.0", 53, "tcp", 0}));
  EXPECT_THAT(
      parse_listeners("h\n 1: 00000000000000000000000001000000:0035 0:0 07 0 0 0 850 0\n", "udp"),
      ElementsAre(Listener{"::1", 53, "udp", 850}));
}

// A /proc with one container: conmon 10, process 11, forwarder's listener on 127.0.0.1:8080.
class FakeProc : public testing::Test {
 protected:
  FakeProc() {
    put("10/stat", stat(10, "conmon", 1));
    put("10/cmdline", std::string("/usr/bin/conmon\0-c\0", 19) + kId + std::string("\0", 1));
    put("11/stat", stat(11, "serve", 10));
    put("net/tcp", std::string(kTcp));
    container_.id = kId;
    container_.state = State::kRunning;
    container_.pid = 11;
    container_.ports = {{"127.0.0.1", 8080, 80}};
  }

  static std::string stat(int pid, const std::string& name, int parent, char state = 'S') {
    return dsl::text("{} ({}) {} {} 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 100 1 2", pid, name, state,
                     parent);
  }
  void put(const std::string& name, const std::string& content) {
    auto& files = dsl::env::system_env().files();
    const std::string path = dir_.file(name);
    dsl::test::require_ok(files.make_directories(path.substr(0, path.rfind('/')), 0700));
    dsl::test::require_ok(files.write_file(path, content));
  }
  Liveness check(std::uint32_t uid = 850) const {
    return LivenessPass(Proc(dsl::env::system_env().files(), dir_.path()), uid).check(container_);
  }

  const std::string kId = std::string(64, 'a');
  dsl::test::TempDir dir_;
  Container container_;
};

TEST_F(FakeProc, AContainerWithItsConmonAndItsPortIsAlive) {
  EXPECT_EQ(check().state, Liveness::State::kAlive) << check().reason;
}

TEST_F(FakeProc, AZombieIsStale) {
  put("11/stat", stat(11, "serve", 10, 'Z'));

  EXPECT_EQ(check().state, Liveness::State::kStale);
}

TEST_F(FakeProc, AReusedPidIsStale) {
  put("11/stat", stat(11, "bash", 1));
  put("1/stat", stat(1, "init", 0));
  EXPECT_EQ(check().state, Liveness::State::kStale);

  put("11/stat", stat(11, "serve", 10));
  container_.id = std::string(64, 'b');
  EXPECT_THAT(check().reason, testing::HasSubstr("another container"));
}

TEST_F(FakeProc, APortHeldBySomeoneElseIsDead) {
  const Liveness foreign = check(851);

  EXPECT_EQ(foreign.state, Liveness::State::kPortDead);
  EXPECT_EQ(foreign.reason, "127.0.0.1:8080/tcp has no listener");
}

TEST_F(FakeProc, EachPortOfARangeIsChecked) {
  container_.ports = {{"127.0.0.1", 8079, 79, "tcp", 2}};

  EXPECT_EQ(check().port.host, 8079);

  container_.ports = {{"127.0.0.1", 8080, 80, "udp"}};
  EXPECT_EQ(check().state, Liveness::State::kPortDead);
}

TEST_F(FakeProc, WhatPodmanDoesNotCallRunningIsNotJudged) {
  container_.state = State::kExited;
  container_.pid = 0;

  EXPECT_EQ(check().state, Liveness::State::kAlive);
}

TEST(NameServer, ForgetsOnlyTheContainersNamed) {
  EXPECT_EQ(without_containers("10.89.0.1\nab 10.89.0.2  a,ab\nabc 10.89.0.3  c\n", {"ab", "zz"}),
            "10.89.0.1\nabc 10.89.0.3  c\n");
  EXPECT_EQ(without_containers("", {"ab"}), "");
}

TEST(NameServer, IsLostWithoutAWayOut) {
  const std::string head = "Inter-|   Receive\n face |bytes\n    lo: 0\n";

  EXPECT_FALSE(has_way_out(head + "podman1: 7\n veth0: 7\n"));
  EXPECT_TRUE(has_way_out(head + "  tap0: 7\n"));
  EXPECT_TRUE(has_way_out(head + "  eth0: 7\n"));
}

}  // namespace
}  // namespace mcp::runtime
