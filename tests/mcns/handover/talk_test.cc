// Both sides of a hand-over, over the real socket. The heir lives in a thread or, where it is
// killed, in a child.
#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mcns/handover/giver.h"
#include "mcns/handover/heir.h"
#include "mcns/handover/memory.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::env::UniqueFd;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{20000};

// Writes down what is asked of it.
class FakeOwner : public Owner {
 public:
  explicit FakeOwner(std::size_t sockets = 2) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    reads = UniqueFd(pipe[0]);
    writes = UniqueFd(pipe[1]);
    count = sockets;
  }
  Holdings release() override {
    did.emplace_back("release");
    return {.names = std::vector<std::string>(count, "dns"),
            .fds = std::vector<int>(count, writes.get()),
            .cache = require_ok(sealed_memory("cache")),
            .unchangeable = unchangeable};
  }
  void leave_addresses() override { did.emplace_back("leave"); }
  void stop_reading(std::function<bool(int)> given) override {
    did.emplace_back("stop");
    take = std::move(given);
    EXPECT_TRUE(take(writes.get()));
  }
  void take_back() override { did.emplace_back("take back"); }
  void still_alive() override {}

  std::vector<std::string> did;
  std::function<bool(int)> take;
  UniqueFd reads;
  UniqueFd writes;
  std::size_t count = 0;
  bool unchangeable = false;
};

class Talk : public ::testing::Test {
 protected:
  Visit visit() { return require_visit(door_->next(kPatience)); }
  static Visit require_visit(std::optional<Visit> visit) {
    EXPECT_TRUE(visit);
    return std::move(*visit);
  }
  // A process that does `work` and ends.
  template <class Work>
  pid_t in_child(Work work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      work();
      ::_exit(0);
    }
    return pid;
  }

  const dsl::test::TempDir dir_;
  const std::string path_ = dir_.file("handover.sock");
  std::atomic<int> came_{0};
  std::unique_ptr<Door> door_ = require_ok(Door::open(path_, [this] { ++came_; }));
  FakeOwner owner_;
};

TEST_F(Talk, WithoutAnOldProcessThereIsNothingToInherit) {
  EXPECT_EQ(require_ok(Heir::ask(dir_.file("nobody.sock"), {.version = "2"})), nullptr);
}

TEST_F(Talk, WhoOnlyLooksAsksForNothing) {
  EXPECT_FALSE(require_ok(is_served(dir_.file("nobody.sock"))));
  EXPECT_TRUE(require_ok(is_served(path_)));

  // The door takes one after the other, so the look is behind it when this one is heard.
  const auto link = require_ok(dsl::net::PacketLink::connect(path_));
  ASSERT_THAT(link.send(encode({Kind::kUpgrade, {}})), ok());
  EXPECT_EQ(visit().asks.kind, Kind::kUpgrade);
  EXPECT_FALSE(door_->next(std::chrono::milliseconds(0)));
}

TEST_F(Talk, AnHeirWaitsForAsLongAsItIsToldTo) {
  const auto asked = Heir::ask(path_, {.version = "2", .timeout = std::chrono::milliseconds(5)});

  ASSERT_THAT(asked, failed_with(Code::kDeadlineExceeded));
  EXPECT_THAT(asked.error().hint(), HasSubstr("[handover] timeout"));
}

TEST_F(Talk, AHandOverBeginsWithNothingElse) {
  const auto link = require_ok(dsl::net::PacketLink::connect(path_));
  ASSERT_THAT(link.send(encode({Kind::kReady, {}})), ok());

  EXPECT_EQ(require_ok(hear(link, kPatience)).message.kind, Kind::kRefused);
  EXPECT_FALSE(door_->next(std::chrono::milliseconds(0)));
  EXPECT_EQ(came_, 0);
}

TEST_F(Talk, AnHeirIsToldOfADamagedDatabase) {
  for (const bool damaged : {false, true}) {
    owner_.unchangeable = damaged;
    const pid_t child = in_child([this] {
      auto heir = Heir::ask(path_, {.version = "2"});
      ::_exit(heir && (*heir)->estate().unchangeable ? 7 : 0);
    });
    Visit heir = visit();
    EXPECT_THAT(give(heir, owner_, {.version = "1"}), failed_with(Code::kUnavailable));
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), damaged ? 7 : 0);
  }
}

TEST_F(Talk, AnHeirThatEndsLeavesAllToTheOldProcess) {
  const pid_t child = in_child([this] { (void)Heir::ask(path_, {.version = "2"}); });
  Visit heir = visit();

  EXPECT_THAT(give(heir, owner_, {.version = "1"}), failed_with(Code::kUnavailable));
  EXPECT_THAT(owner_.did, ElementsAre("release", "take back"));
  ::waitpid(child, nullptr, 0);
}

TEST_F(Talk, AnHeirThatEndsWhereTheAddressesAreFreeDoesToo) {
  const pid_t child = in_child([this] {
    auto heir = Heir::ask(path_, {.version = "2"});
    (void)(*heir)->serving();
  });
  Visit heir = visit();

  EXPECT_THAT(give(heir, owner_, {.version = "1"}), failed_with(Code::kUnavailable));
  EXPECT_THAT(owner_.did, ElementsAre("release", "leave", "take back"));
  ::waitpid(child, nullptr, 0);
}

TEST_F(Talk, AnHeirThatHangsIsKilledBeforeAnythingIsTakenBack) {
  const pid_t child = in_child([this] {
    auto heir = Heir::ask(path_, {.version = "2"});
    while (true) {
      ::pause();
    }
  });
  Visit heir = visit();

  EXPECT_THAT(give(heir, owner_,
                   {.version = "1",
                    .timeout = std::chrono::milliseconds(10),
                    .end_grace = std::chrono::milliseconds(10)}),
              failed_with(Code::kDeadlineExceeded));
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, WNOHANG), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_THAT(owner_.did, ElementsAre("release", "take back"));
}

TEST_F(Talk, ARefusalReachesTheHeirWithItsHint) {
  std::thread old_process([this] {
    const Visit heir = visit();
    const dsl::Error error(Code::kConflict, "busy");
    EXPECT_THAT(heir.link.send(encode(refused(error))), ok());
  });

  EXPECT_THAT(Heir::ask(path_, {.version = "2"}), failed_with(Code::kFailedPrecondition));
  old_process.join();
}

TEST_F(Talk, TheHeirGetsAllInOrderAndConnectionsUntilTheEnd) {
  FakeOwner owner(dsl::net::kPacketFdsMax + 3);  // more than one message holds
  std::thread old_process([&] {
    Visit heir = visit();
    EXPECT_EQ(heir.asks.texts, std::vector<std::string>{"2"});
    EXPECT_THAT(give(heir, owner, {.version = "1"}), ok());
  });
  std::atomic<int> connections{0};  // outlives the heir, whose thread counts
  const auto heir = require_ok(Heir::ask(path_, {.version = "2"}));
  EXPECT_EQ(heir->estate().version, "1");
  EXPECT_EQ(heir->estate().sockets.size(), dsl::net::kPacketFdsMax + 3);
  EXPECT_EQ(require_ok(MappedMemory::open(heir->estate().cache, 100)).bytes(), "cache");
  ASSERT_THAT(heir->serving(), ok());
  ASSERT_THAT(heir->ready([&](UniqueFd fd) {
    ++connections;
    EXPECT_EQ(::write(fd.get(), "!", 1), 1);
  }),
              ok());
  old_process.join();

  EXPECT_TRUE(owner.take(owner.writes.get()));
  char got[2] = {};
  EXPECT_EQ(::read(owner.reads.get(), &got[0], 1), 1);
  EXPECT_EQ(::read(owner.reads.get(), &got[1], 1), 1);  // waits for the second
  EXPECT_EQ(connections, 2);
  EXPECT_THAT(owner.did, ElementsAre("release", "leave", "stop"));
}

TEST_F(Talk, AClientThatAsksForAnUpgradeHearsWhatCameOfIt) {
  std::thread old_process([this] {
    for (const Message& answer : {Message{Kind::kUpgraded, {"1", "2", "345", "678"}},
                                  Message{Kind::kRefused, {"it cannot be", "redeploy"}}}) {
      const Visit client = visit();
      EXPECT_EQ(client.asks.kind, Kind::kUpgrade);
      EXPECT_THAT(client.link.send(encode(answer)), ok());
    }
  });

  EXPECT_EQ(require_ok(request_upgrade(path_, kPatience)).took_ms, "345");
  const auto refused_one = request_upgrade(path_, kPatience);
  ASSERT_THAT(refused_one, failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(refused_one.error().hint(), HasSubstr("redeploy"));
  old_process.join();
}

}  // namespace
}  // namespace mcns::handover
