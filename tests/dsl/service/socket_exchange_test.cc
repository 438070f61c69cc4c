// Sockets handed over by an agent, and by somebody who gets it wrong.
#include "dsl/service/socket_exchange.h"

#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "dsl/env/socket_address.h"
#include "dsl/service/agent_sockets.h"
#include "dsl/service/probe.h"
#include "dsl/service/socket_message.h"
#include "support/manual_clock.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::service::test {
namespace {

using dsl::test::ManualClock;
using dsl::test::require_ok;
using dsl::test::TempDir;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::chrono::milliseconds kPatience{20'000};

env::UniqueFd bound(int type) {
  env::UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  env::SocketAddress any = require_ok(env::parse_socket_address("127.0.0.1:0"));
  EXPECT_EQ(::bind(fd.get(), any.raw(), any.size), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(fd.get(), 8), 0);
  }
  return fd;
}

// Answers one service after the other in a directory of its own.
class HandingAgent {
 public:
  explicit HandingAgent(const std::string& directory)
      : listener_(require_ok(listen_for_services(directory))) {}

  void answer(const std::vector<OfferedSocket>& sockets, const std::string& refusal = "") {
    outcome = answer_service(require_ok(listener_.accept(kPatience)), sockets, refusal, kPatience);
  }
  // Answers with any bytes and descriptors.
  void say(const std::string& packet, const std::vector<int>& fds = {}) {
    const net::PacketLink link = require_ok(listener_.accept(kPatience));
    require_ok(link.receive(kPatience));
    require_ok(link.send(packet, fds));
  }

  Result<void> outcome;

 private:
  net::PacketListener listener_;
};

class SocketExchange : public testing::Test {
 protected:
  // What a service gets while `agent` does its part.
  template <class Part>
  Result<std::vector<HandedSocket>> fetched(Part part) {
    std::thread other(part);
    auto handed = fetch_sockets(dir_.path(), kPatience);
    other.join();
    return handed;
  }

  TempDir dir_;
};

TEST_F(SocketExchange, NobodyThereIsUnavailable) {
  const auto absent = fetch_sockets(dir_.file("nowhere"), kPatience);
  const auto empty = fetch_sockets(dir_.path(), kPatience);
  { const HandingAgent gone(dir_.path()); }
  const auto left_behind = fetch_sockets(dir_.path(), kPatience);

  for (const auto* handed : {&absent, &empty, &left_behind}) {
    ASSERT_FALSE(*handed);
    EXPECT_EQ(handed->error().code(), Code::kUnavailable);
    EXPECT_THAT(handed->error().message(), HasSubstr("the agent is not in"));
  }
}

TEST_F(SocketExchange, RefusalComesThrough) {
  HandingAgent agent(dir_.path());

  const auto handed = fetched([&] { agent.answer({}, "127.0.0.1:53/udp is held by dnsmasq"); });

  ASSERT_FALSE(handed);
  EXPECT_EQ(handed.error().code(), Code::kUnavailable);
  EXPECT_THAT(handed.error().message(), HasSubstr("held by dnsmasq"));
}

TEST_F(SocketExchange, RepliesThatAreNoneAreRefused) {
  HandingAgent agent(dir_.path());
  const env::UniqueFd udp = bound(SOCK_DGRAM);
  const env::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::string one = write_socket_reply({.names = {"dns"}, .refusal = ""});

  EXPECT_FALSE(fetched([&] { agent.say("HTTP/1.1 400 Bad Request"); }));
  EXPECT_FALSE(fetched([&] { agent.say(one); }));
  EXPECT_FALSE(fetched([&] { agent.say(one, {udp.get(), udp.get()}); }));
  EXPECT_FALSE(fetched([&] { agent.say(one + std::string(kSocketMessageMax, 'x'), {udp.get()}); }));
  const auto no_socket = fetched([&] { agent.say(one, {file.get()}); });
  ASSERT_FALSE(no_socket);
  EXPECT_THAT(no_socket.error().message(), HasSubstr("no socket"));
}

TEST_F(SocketExchange, RequestsThatAreNoneAreRefused) {
  HandingAgent agent(dir_.path());
  const env::UniqueFd udp = bound(SOCK_DGRAM);
  const env::UniqueFd peer(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const env::SocketAddress address = require_ok(env::unix_socket_address(dir_.file("agent.sock")));
  ASSERT_EQ(::connect(peer.get(), address.raw(), address.size), 0);
  ASSERT_GT(::send(peer.get(), "MCSK\x09\x01", 6, MSG_NOSIGNAL), 0);

  agent.answer({{"dns", udp.get()}});

  ASSERT_FALSE(agent.outcome);
  std::array<char, 512> reply{};
  const ssize_t size = ::recv(peer.get(), reply.data(), reply.size(), 0);
  ASSERT_GT(size, 0);
  const SocketReply said =
      require_ok(read_socket_reply({reply.data(), static_cast<std::size_t>(size)}));
  EXPECT_THAT(said.refusal, HasSubstr("version 9"));
}

TEST_F(SocketExchange, SocketsComeByNameAndAreTheSame) {
  HandingAgent agent(dir_.path());
  const env::UniqueFd udp = bound(SOCK_DGRAM);
  const env::UniqueFd tcp = bound(SOCK_STREAM);

  const auto sockets = require_ok(fetched([&] {
    agent.answer({{"dns", udp.get()}, {"dns", tcp.get()}});
  }));

  ASSERT_THAT(sockets, SizeIs(2));
  EXPECT_EQ(sockets[0].name, "dns");
  for (const auto& [mine, theirs] :
       {std::pair{&sockets[0].fd, &udp}, std::pair{&sockets[1].fd, &tcp}}) {
    EXPECT_EQ(env::to_text(env::local_address(mine->get())),
              env::to_text(env::local_address(theirs->get())));
    EXPECT_NE(::fcntl(mine->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(SocketExchange, ItsSocketIsForTheAgentsUserAloneAndTakesTheFormerOnesPlace) {
  { const HandingAgent former(dir_.path()); }
  const HandingAgent agent(dir_.path());

  struct stat info {};
  ASSERT_EQ(::stat(dir_.file("agent.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(SocketExchange, PathLongerThanASocketsAddressIsReached) {
  std::string deep = dir_.path();
  while (deep.size() < 200) {
    deep += "/a-component-with-a-long-name";
    ASSERT_EQ(::mkdir(deep.c_str(), 0700), 0);
  }
  HandingAgent agent(deep);
  const env::UniqueFd udp = bound(SOCK_DGRAM);
  std::thread other([&] { agent.answer({{"dns", udp.get()}}); });

  auto handed = fetch_sockets(deep, kPatience);

  other.join();
  EXPECT_THAT(require_ok(std::move(handed)), SizeIs(1));
}

// --- waiting for an agent that is away ---

TEST_F(SocketExchange, WaitsWithLongerPausesAndGivesUp) {
  ManualClock clock;
  std::vector<std::int64_t> pauses_ms;
  const env::MonoTime began = clock.mono_now();

  const auto sockets = wait_for_agent_sockets(clock, dir_.path(), [&](env::MonoTime until) {
    pauses_ms.push_back(
        std::chrono::duration_cast<std::chrono::milliseconds>(until - clock.mono_now()).count());
    clock.advance(std::chrono::ceil<std::chrono::milliseconds>(until - clock.mono_now()));
    return true;
  });

  ASSERT_FALSE(sockets);
  EXPECT_EQ(sockets.error().code(), Code::kUnavailable);
  EXPECT_THAT(sockets.error().hint(), HasSubstr("mcp doctor"));
  EXPECT_GE(clock.mono_now() - began, AgentPatience{}.total);
  EXPECT_EQ(pauses_ms.front(), 50);
  EXPECT_EQ(pauses_ms[1], 100);
  EXPECT_EQ(pauses_ms.back(), 2000);
}

TEST_F(SocketExchange, EndsWhenItIsToldToWhileItWaits) {
  ManualClock clock;

  const auto sockets =
      wait_for_agent_sockets(clock, dir_.path(), [](env::MonoTime) { return false; });

  ASSERT_FALSE(sockets);
  EXPECT_EQ(sockets.error().code(), Code::kCancelled);
}

TEST_F(SocketExchange, AgentThatComesBackIsFound) {
  ManualClock clock;
  const env::UniqueFd udp = bound(SOCK_DGRAM);
  std::unique_ptr<HandingAgent> agent;
  std::thread other;

  auto sockets = wait_for_agent_sockets(clock, dir_.path(), [&](env::MonoTime until) {
    clock.advance(std::chrono::ceil<std::chrono::milliseconds>(until - clock.mono_now()));
    agent = std::make_unique<HandingAgent>(dir_.path());
    other = std::thread([&] { agent->answer({{"dns", udp.get()}}); });
    return true;
  });

  other.join();
  EXPECT_THAT(require_ok(std::move(sockets)).take("dns"), SizeIs(1));
}

// --- in a process that serves ---

TEST_F(SocketExchange, ServiceStartsOnTheSocketsOfTheAgent) {
  HandingAgent agent(dir_.path());
  const env::UniqueFd door = bound(SOCK_STREAM);
  std::thread other([&] { agent.answer({{"door", door.get()}, {"door", door.get()}}); });
  const std::string config = dir_.write("none.toml", "");

  Probe probe({"server", "--once", "--config", config}, {{"MC_SOCKETS", dir_.path()}});

  EXPECT_EQ(probe.line(), "adopts a door");
  EXPECT_EQ(probe.line(), "adopts a door");
  EXPECT_EQ(probe.line(), "start hello");  // and does not leak the variable
  EXPECT_EQ(probe.wait(), 0);
  other.join();
}

TEST_F(SocketExchange, SocketOfTheAgentThatTheServiceDoesNotServeEndsIt) {
  HandingAgent agent(dir_.path());
  const env::UniqueFd window = bound(SOCK_STREAM);
  std::thread other([&] { agent.answer({{"window", window.get()}}); });
  const std::string config = dir_.write("none.toml", "");

  Probe probe({"server", "--once", "--config", config}, {{"MC_SOCKETS", dir_.path()}});

  EXPECT_EQ(probe.wait(), 2);
  EXPECT_THAT(probe.errors(), HasSubstr("window"));
  other.join();
}

TEST_F(SocketExchange, ServiceThatWaitsForTheAgentCanBeStopped) {
  const std::string config = dir_.write("none.toml", "");
  auto agent = std::make_unique<HandingAgent>(dir_.path());
  Probe probe({"server", "--config", config}, {{"MC_SOCKETS", dir_.path()}});
  agent->answer({}, "not yet");  // so that it minds signals by now
  agent.reset();

  probe.signal(SIGTERM);

  EXPECT_EQ(probe.wait(), 0);
}

}  // namespace
}  // namespace dsl::service::test
