// Requests on real directories, with the kernel's resolver and with our own steps, which must
// agree.
#include "mcp/files/perform.h"

#include <cerrno>
#include <set>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mcp/files/link.h"
#include "support/temp_dir.h"

namespace {

using namespace mcp::files;

const std::string kPartial = std::string(kPartialPrefix) + std::string(kPartialDigits, 'b');

std::string content_of(int fd) {
  std::string out(4096, '\0');
  const ssize_t count = ::pread(fd, out.data(), out.size(), 0);
  out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return out;
}

class Perform : public testing::TestWithParam<Resolver> {
 protected:
  Perform() {
    make_folder("root");
    make_folder("root/conf");
    folder_.write("secret", "of another");
    folder_.write("root/conf/app.toml", "app");
    link("conf/app.toml", "root/good");
    link("../root/conf", "root/round");
    link("../secret", "root/out");
    link("/etc/passwd", "root/absolute");
    link("loop", "root/loop");
    link("conf/../good", "root/twice");
    root_ = open_root(folder_.file("root"));
  }

  void make_folder(const char* name) { ASSERT_EQ(::mkdir(folder_.file(name).c_str(), 0755), 0); }
  void link(const char* to, const char* name) {
    ASSERT_EQ(::symlink(to, folder_.file(name).c_str()), 0);
  }
  Performed done(const Request& request) {
    return perform(root_.get(), request, {.overflow_id = {}, .resolver = GetParam()});
  }
  int error_of(const std::string& path) {
    return done({.op = Op::kOpen, .path = path}).answer.error;
  }
  Performed partial_with(const std::string& bytes) {
    Performed opened = done({.op = Op::kOpenPartial, .path = "conf", .partial = kPartial});
    EXPECT_EQ(opened.answer.error, 0);
    EXPECT_EQ(::write(opened.fd.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    return opened;
  }
  Request commit_to(const std::string& target, std::uint32_t mode = 0640) {
    return {.op = Op::kCommit, .path = "conf", .partial = kPartial, .target = target, .mode = mode};
  }

  dsl::test::TempDir folder_;
  UniqueFd root_;
};

TEST_P(Perform, NothingLeadsOut) {
  EXPECT_EQ(error_of("out"), EXDEV);
  EXPECT_EQ(error_of("absolute"), EXDEV);
  EXPECT_EQ(error_of("round/app.toml"), EXDEV);
  EXPECT_EQ(error_of("../secret"), EXDEV);
  EXPECT_EQ(error_of("/etc/passwd"), EXDEV);
  EXPECT_EQ(error_of("loop"), ELOOP);
  EXPECT_EQ(error_of(std::string("conf\0", 5)), EINVAL);
  EXPECT_EQ(error_of("missing"), ENOENT);
  EXPECT_EQ(error_of("conf/app.toml/x"), ENOTDIR);
}

TEST_P(Perform, ALinkThatStaysBelowIsFollowed) {
  EXPECT_EQ(content_of(done({.op = Op::kOpen, .path = "conf/app.toml"}).fd.get()), "app");
  EXPECT_EQ(content_of(done({.op = Op::kOpen, .path = "good"}).fd.get()), "app");
  EXPECT_EQ(content_of(done({.op = Op::kOpen, .path = "twice"}).fd.get()), "app");
  EXPECT_EQ(done({.op = Op::kLook, .path = "good", .follow = false}).answer.info.kind, Kind::kLink);
  EXPECT_EQ(done({.op = Op::kLook, .path = "good"}).answer.info.kind, Kind::kFile);
  EXPECT_EQ(done({.op = Op::kLook, .path = ""}).answer.info.kind, Kind::kDirectory);
}

TEST_P(Perform, WhatIsNoFileIsNotOpened) {
  ASSERT_EQ(::mkfifo(folder_.file("root/pipe").c_str(), 0644), 0);

  const Performed pipe = done({.op = Op::kOpen, .path = "pipe"});
  const Performed directory = done({.op = Op::kOpen, .path = "conf"});

  EXPECT_EQ(pipe.answer.error, 0);
  EXPECT_EQ(pipe.answer.info.kind, Kind::kOther);
  EXPECT_FALSE(pipe.fd);
  EXPECT_EQ(directory.answer.info.kind, Kind::kDirectory);
  EXPECT_FALSE(directory.fd);
}

TEST_P(Perform, AListHoldsEachEntryAndWhereLinksLead) {
  const Performed listed = done({.op = Op::kList, .path = ""});

  ASSERT_EQ(listed.answer.error, 0);
  const auto entries = decode_entries(content_of(listed.fd.get()));
  ASSERT_TRUE(entries);
  std::set<std::string> shown;
  for (const Entry& entry : *entries) {
    shown.insert(entry.name + (entry.link.empty() ? "" : " -> " + entry.link));
  }
  EXPECT_EQ(shown, (std::set<std::string>{"conf", "good -> conf/app.toml", "round -> ../root/conf",
                                          "out -> ../secret", "absolute -> /etc/passwd",
                                          "loop -> loop", "twice -> conf/../good"}));
  const Performed file = done({.op = Op::kList, .path = "good"});
  EXPECT_FALSE(file.fd);
  EXPECT_EQ(file.answer.info.size_bytes, 3U);
}

TEST_P(Perform, ACommitReplacesAFileAtOnce) {
  partial_with("new");

  const Performed committed = done(commit_to("app.toml", 0604));

  EXPECT_EQ(committed.answer.error, 0);
  EXPECT_EQ(committed.answer.info.mode, 0604U);
  EXPECT_EQ(folder_.read("root/conf/app.toml"), "new");
  EXPECT_NE(::access(folder_.file("root/conf/" + kPartial).c_str(), F_OK), 0);
}

TEST_P(Perform, ACommitReplacesNothingButFiles) {
  make_folder("root/conf/inner");
  link("app.toml", "root/conf/link");
  partial_with("new");

  for (const char* target : {"inner", "link"}) {
    const Performed refused = done(commit_to(target));
    EXPECT_EQ(refused.answer.error, EEXIST) << target;
  }
  EXPECT_EQ(folder_.read("root/conf/app.toml"), "app");
}

TEST_P(Perform, NothingIsGivenToAnIdThatStandsForAllOthers) {
  partial_with("new");

  const Performed refused = perform(root_.get(), commit_to("app.toml"),
                                    {.overflow_id = ::geteuid(), .resolver = GetParam()});
  const Performed in_folder = perform(root_.get(), commit_to("other"),
                                      {.overflow_id = ::geteuid(), .resolver = GetParam()});

  EXPECT_EQ(refused.answer.error, EPERM);
  EXPECT_EQ(refused.answer.stage, Stage::kOwner);
  EXPECT_EQ(folder_.read("root/conf/app.toml"), "app");
  EXPECT_EQ(in_folder.answer.error, 0) << "a new file is simply ours";
}

TEST_P(Perform, APartialFileGoesOnWhereItWas) {
  partial_with("first ");

  const Performed again = done({.op = Op::kOpenPartial, .path = "conf", .partial = kPartial});

  EXPECT_EQ(again.answer.info.size_bytes, 6U);
  EXPECT_EQ(again.answer.info.mode, 0600U);
}

TEST_P(Perform, APartialFileOfSomebodyElseIsNotWrittenTo) {
  const std::string place = "root/conf/" + kPartial;
  link("../../secret", place.c_str());
  partial_with("x");
  EXPECT_EQ(folder_.read("secret"), "of another");

  ASSERT_EQ(::unlink(folder_.file(place).c_str()), 0);
  ASSERT_EQ(::link(folder_.file("secret").c_str(), folder_.file(place).c_str()), 0);
  partial_with("x");
  EXPECT_EQ(folder_.read("secret"), "of another");
  EXPECT_EQ(folder_.read(place), "x");
}

TEST_P(Perform, ASweepTakesOldPartialFilesAlone) {
  partial_with("x");
  const std::string other = std::string(kPartialPrefix) + std::string(kPartialDigits, 'c');
  folder_.write("root/conf/" + other, "old");
  const std::array<timespec, 2> old{timespec{.tv_sec = 1000}, timespec{.tv_sec = 1000}};
  for (const std::string& name : {other, std::string("app.toml")}) {
    ASSERT_EQ(::utimensat(AT_FDCWD, folder_.file("root/conf/" + name).c_str(), old.data(), 0), 0);
  }

  EXPECT_EQ(done({.op = Op::kSweep, .path = "conf", .before_s = 2000}).answer.error, 0);

  EXPECT_NE(::access(folder_.file("root/conf/" + other).c_str(), F_OK), 0);
  EXPECT_EQ(folder_.read("root/conf/" + kPartial), "x");
  EXPECT_EQ(folder_.read("root/conf/app.toml"), "app");
  EXPECT_EQ(done({.op = Op::kDropPartial, .path = "conf", .partial = kPartial}).answer.error, 0);
  EXPECT_NE(::access(folder_.file("root/conf/" + kPartial).c_str(), F_OK), 0);
}

INSTANTIATE_TEST_SUITE_P(Resolvers, Perform, testing::Values(Resolver::kKernel, Resolver::kSteps),
                         [](const auto& instance) {
                           return instance.param == Resolver::kKernel ? "Kernel" : "Steps";
                         });

TEST(FilesLink, CarriesMessagesAndDescriptors) {
  const dsl::test::TempDir folder;
  const std::string file = folder.write("file", "content");
  const UniqueFd listener = listen_in(folder.path());
  const UniqueFd helper = connect_to(folder.file(kSocketName));
  const UniqueFd agent = accept_from(listener.get(), ::geteuid(), 5000);
  ASSERT_TRUE(agent);

  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(send_message(helper.get(), "one", opened.get()), 0);
  ASSERT_EQ(send_message(helper.get(), "two"), 0);
  const Message one = receive_message(agent.get(), 5000);
  const Message two = receive_message(agent.get(), 5000);

  EXPECT_EQ(one.bytes, "one");
  EXPECT_EQ(content_of(one.fd.get()), "content");
  EXPECT_EQ(two.bytes, "two");
  EXPECT_FALSE(two.fd);
  EXPECT_EQ(receive_message(agent.get(), 10).error, ETIMEDOUT);
}

TEST(FilesLink, TellsWhenTheOtherEndHasGone) {
  const dsl::test::TempDir folder;
  const UniqueFd listener = listen_in(folder.path());
  UniqueFd helper = connect_to(folder.file(kSocketName));
  const UniqueFd agent = accept_from(listener.get(), ::geteuid(), 5000);
  ASSERT_TRUE(agent);

  helper.reset();

  EXPECT_EQ(receive_message(agent.get(), 5000).error, ECONNRESET);
  EXPECT_EQ(send_message(agent.get(), "x"), ECONNRESET);
}

TEST(FilesLink, LetsNobodyElseIn) {
  const dsl::test::TempDir folder;
  const UniqueFd listener = listen_in(folder.path());
  const UniqueFd helper = connect_to(folder.file(kSocketName));

  EXPECT_FALSE(accept_from(listener.get(), ::geteuid() + 1, 5000));
  EXPECT_FALSE(accept_from(listener.get(), ::geteuid(), 10));
  EXPECT_EQ(errno, ETIMEDOUT);
}

}  // namespace
