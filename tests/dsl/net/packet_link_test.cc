#include "dsl/net/packet_link.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::net {
namespace {

using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::TempDir;

constexpr std::chrono::milliseconds kPatience{20000};
constexpr std::chrono::milliseconds kAtOnce{0};

TEST(PacketLink, NobodyBehindThePathIsNotFound) {
  const TempDir dir;

  EXPECT_THAT(PacketLink::connect(dir.file("nowhere.sock")), failed_with(Code::kNotFound));
  EXPECT_THAT(PacketLink::connect(dir.write("file", "no socket")), failed_with(Code::kNotFound));
}

TEST(PacketLink, ASocketWhoseProcessHasEndedIsNotFound) {
  const TempDir dir;
  { const auto gone = require_ok(PacketListener::open(dir.file("a.sock"))); }

  EXPECT_THAT(PacketLink::connect(dir.file("a.sock")), failed_with(Code::kNotFound));
}

TEST(PacketLink, AnEndThatIsGoneIsUnavailable) {
  auto [here, there] = require_ok(PacketLink::pair());
  there.close();

  EXPECT_THAT(here.receive(kPatience), failed_with(Code::kUnavailable));
  EXPECT_THAT(here.send("x"), failed_with(Code::kUnavailable));
}

TEST(PacketLink, SilenceHasADeadline) {
  const auto [here, there] = require_ok(PacketLink::pair());

  EXPECT_THAT(here.receive(kAtOnce), failed_with(Code::kDeadlineExceeded));
}

TEST(PacketLink, CarriesMessagesWholeAndDescriptorsWithThem) {
  const auto [here, there] = require_ok(PacketLink::pair());
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const env::UniqueFd reads(pipe[0]);
  const env::UniqueFd writes(pipe[1]);

  ASSERT_THAT(here.send("first"), ok());
  ASSERT_THAT(here.send("second", pipe), ok());

  EXPECT_EQ(require_ok(there.receive(kPatience)).bytes, "first");
  const Packet second = require_ok(there.receive(kPatience));
  EXPECT_EQ(second.bytes, "second");
  ASSERT_EQ(second.fds.size(), 2U);
  ASSERT_EQ(::write(second.fds[1].get(), "!", 1), 1);
  char got = 0;
  EXPECT_EQ(::read(reads.get(), &got, 1), 1);
  EXPECT_EQ(got, '!');
}

TEST(PacketLink, SaysWhoIsOnTheOtherEnd) {
  const auto [here, there] = require_ok(PacketLink::pair());

  EXPECT_EQ(here.peer().pid, ::getpid());
  EXPECT_EQ(here.peer().uid, ::geteuid());
}

TEST(PacketListener, TakesThePlaceOfAnotherAndIsForItsUserOnly) {
  const TempDir dir;
  const std::string path = dir.file("a.sock");
  const auto old_one = require_ok(PacketListener::open(path));
  const auto new_one = require_ok(PacketListener::open(path));
  const auto visitor = require_ok(PacketLink::connect(path));

  EXPECT_THAT(old_one.accept(kAtOnce), failed_with(Code::kDeadlineExceeded));
  EXPECT_THAT(new_one.accept(kPatience), ok());
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

}  // namespace
}  // namespace dsl::net
