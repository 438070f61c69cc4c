#include "mcp/agent/relay.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsl/env/unique_fd.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace mcp::agent {
namespace {

using dsl::Code;
using dsl::env::UniqueFd;
using dsl::test::failed_with;
using dsl::test::ok;

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

std::string read_to_end(int fd) {
  std::string out;
  std::array<char, 4096> bytes;
  for (ssize_t size = 0; (size = ::read(fd, bytes.data(), bytes.size())) > 0;) {
    out.append(bytes.data(), static_cast<std::size_t>(size));
  }
  return out;
}

// The agent's end, and a relay between it and a session.
class Relay : public testing::Test {
 protected:
  Relay() : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    (void)std::signal(SIGPIPE, SIG_IGN);  // as dsl::cli's programs have it while they relay
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    const void* raw = &address;
    EXPECT_EQ(::bind(listener_.get(), static_cast<const sockaddr*>(raw), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
  }
  void start() {
    thread_ = std::thread([this] {
      outcome_ = relay(path_, in_.theirs.get(), out_.theirs.get());
      out_.theirs.reset();  // as the end of the process would
    });
    agent_ = UniqueFd(::accept(listener_.get(), nullptr, nullptr));
  }
  ~Relay() override {
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  dsl::test::TempDir dir_;
  const std::string path_ = dir_.file("agent.sock");
  UniqueFd listener_;
  UniqueFd agent_;
  Pair in_;
  Pair out_;
  Result<void> outcome_;
  std::thread thread_;
};

TEST_F(Relay, WithoutAnAgentItSaysWhereItLooked) {
  EXPECT_THAT(relay(dir_.file("nobody.sock"), in_.theirs.get(), out_.theirs.get()),
              dsl::test::failed_saying(Code::kUnavailable, "nobody.sock"));
}

TEST_F(Relay, APathThatNoSocketCanHaveIsRefused) {
  EXPECT_THAT(relay("/" + std::string(200, 'a'), in_.theirs.get(), out_.theirs.get()),
              failed_with(Code::kInvalidArgument));
}

TEST_F(Relay, TheEndOfTheSessionIsPassedOnAndTheAgentsLastWordsArrive) {
  start();
  send_all(in_.ours.get(), "question");
  in_.ours.reset();

  EXPECT_EQ(read_to_end(agent_.get()), "question");
  send_all(agent_.get(), "answer");
  agent_.reset();

  EXPECT_EQ(read_to_end(out_.ours.get()), "answer");
  thread_.join();
  EXPECT_THAT(outcome_, ok());
}

TEST_F(Relay, AnAgentThatEndsTheConnectionEndsItThoughTheSessionIsOpen) {
  start();
  agent_.reset();

  EXPECT_EQ(read_to_end(out_.ours.get()), "");
  thread_.join();
  EXPECT_THAT(outcome_, ok());
}

TEST_F(Relay, ASessionThatIsGoneEndsItThoughTheAgentIsSilent) {
  start();
  out_.ours.reset();

  thread_.join();
  EXPECT_THAT(outcome_, ok());
}

TEST_F(Relay, BothWaysAreFullAtOnceAndNothingIsLost) {
  start();
  const std::string up(8u << 20, 'u');
  const std::string down(8u << 20, 'd');
  std::string seen_by_agent;
  std::string seen_by_session;
  std::array<std::thread, 4> ends{
      std::thread([&] {
        send_all(in_.ours.get(), up);
        in_.ours.reset();
      }),
      std::thread([&] {
        send_all(agent_.get(), down);
        (void)::shutdown(agent_.get(), SHUT_WR);
      }),
      std::thread([&] { seen_by_agent = read_to_end(agent_.get()); }),
      std::thread([&] { seen_by_session = read_to_end(out_.ours.get()); })};
  for (std::thread& each : ends) {
    each.join();
  }

  EXPECT_TRUE(seen_by_agent == up) << seen_by_agent.size();
  EXPECT_TRUE(seen_by_session == down) << seen_by_session.size();
  thread_.join();
  EXPECT_THAT(outcome_, ok());
}

}  // namespace
}  // namespace mcp::agent
