#include "dsl/env/posix_file_system.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::env {
namespace {

using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class PosixFiles : public ::testing::Test {
 protected:
  const test::TempDir dir_;
  PosixFileSystem files_;
};

TEST_F(PosixFiles, MissingFileIsNotFoundAndNamed) {
  const std::string path = dir_.file("missing");

  EXPECT_THAT(files_.open(path, OpenMode::kRead, 0), failed_saying(Code::kNotFound, path));
  EXPECT_THAT(files_.open(path, OpenMode::kReadWrite, 0), failed_with(Code::kNotFound));
  EXPECT_THAT(files_.read_file(path), failed_with(Code::kNotFound));
  EXPECT_THAT(files_.stat(path, true), failed_with(Code::kNotFound));
  EXPECT_THAT(files_.list(path), failed_with(Code::kNotFound));
  EXPECT_THAT(files_.remove(path), failed_with(Code::kNotFound));
  EXPECT_FALSE(require_ok(files_.exists(path)));
}

TEST_F(PosixFiles, CreateNewRefusesWhatIsThere) {
  const std::string path = dir_.write("a", "kept");

  EXPECT_THAT(files_.open(path, OpenMode::kCreateNew, 0600), failed_with(Code::kAlreadyExists));

  EXPECT_EQ(dir_.read("a"), "kept");
}

TEST_F(PosixFiles, WhatIsAppendedGoesToTheEndWhateverOthersWrote) {
  const std::string path = dir_.write("a", "1");
  const auto one = require_ok(files_.open(path, OpenMode::kAppend, 0600));
  const auto other = require_ok(files_.open(path, OpenMode::kAppend, 0600));

  require_ok(one->write_at(0, bytes("2")));
  require_ok(other->write_at(0, bytes("3")));
  require_ok(one->write_at(0, bytes("4")));

  EXPECT_EQ(dir_.read("a"), "1234");
}

TEST_F(PosixFiles, FullDeviceIsNoSpaceWithTheNextStep) {
  const auto full = require_ok(files_.open("/dev/full", OpenMode::kReadWrite, 0));

  EXPECT_THAT(full->write_at(0, bytes("x")),
              failed_saying(Code::kNoSpace, "free space on the file system that holds /dev/full"));
}

TEST_F(PosixFiles, FileLargerThanAllowedIsTooLarge) {
  const std::string path = dir_.write("a", "12345");

  EXPECT_THAT(files_.read_file(path, 4), failed_with(Code::kTooLarge));
  EXPECT_EQ(require_ok(files_.read_file(path, 5)), "12345");
}

TEST_F(PosixFiles, ReadOnlyHandleDoesNotWrite) {
  const auto file = require_ok(files_.open(dir_.write("a", "kept"), OpenMode::kRead, 0));

  EXPECT_FALSE(file->write_at(0, bytes("lost")));

  EXPECT_EQ(dir_.read("a"), "kept");
}

TEST_F(PosixFiles, ReadsAndWritesAtOffsets) {
  const auto file = require_ok(files_.open(dir_.file("a"), OpenMode::kCreate, 0600));
  require_ok(file->write_at(4, bytes("world")));
  require_ok(file->write_at(0, bytes("hell")));
  require_ok(file->sync());

  std::byte buffer[3];
  EXPECT_EQ(require_ok(file->read_at(4, buffer)), 3u);
  EXPECT_EQ(require_ok(file->read_at(9, buffer)), 0u);
  EXPECT_EQ(dir_.read("a"), "hellworld");
  require_ok(file->truncate(4));
  EXPECT_EQ(require_ok(file->size()), 4u);
}

TEST_F(PosixFiles, WriteFileReplacesTheContentAndLeavesNothingElse) {
  const std::string path = dir_.file("conf");

  require_ok(files_.write_file(path, "first", 0600));
  require_ok(files_.write_file(path, "second", 0640));

  EXPECT_EQ(dir_.read("conf"), "second");
  EXPECT_EQ(require_ok(files_.stat(path, true)).mode, 0640u);
  EXPECT_THAT(require_ok(files_.list(dir_.path())), ElementsAre("conf"));
}

TEST_F(PosixFiles, WriteFileIntoAMissingFolderIsNotFound) {
  EXPECT_THAT(files_.write_file(dir_.file("no/conf"), "x"), failed_with(Code::kNotFound));
}

TEST_F(PosixFiles, MakesParentsAndAcceptsWhatExists) {
  require_ok(files_.make_directories(dir_.file("a/b/c"), 0700));

  EXPECT_THAT(files_.make_directories(dir_.file("a/b/c"), 0700), ok());
  EXPECT_THAT(files_.make_directories(dir_.file("a/b/c/"), 0700), ok());
  const FileInfo info = require_ok(files_.stat(dir_.file("a/b/c"), true));
  EXPECT_EQ(info.kind, FileKind::kDirectory);
  EXPECT_EQ(info.mode, 0700u);
}

TEST_F(PosixFiles, DirectoryBelowAFileIsRefused) {
  const std::string path = dir_.write("file", "");

  EXPECT_THAT(files_.make_directories(path, 0700), failed_saying(Code::kAlreadyExists, path));
  EXPECT_THAT(files_.make_directories(path + "/below", 0700), failed_with(Code::kAlreadyExists));
}

TEST_F(PosixFiles, StatTellsLinksFromWhatTheyPointTo) {
  const std::string path = dir_.write("target", "12345");
  ASSERT_EQ(::symlink("target", dir_.file("link").c_str()), 0);

  EXPECT_EQ(require_ok(files_.stat(dir_.file("link"), true)).size_bytes, 5u);
  EXPECT_EQ(require_ok(files_.stat(dir_.file("link"), false)).kind, FileKind::kSymlink);
}

TEST_F(PosixFiles, ListIsSortedAndRemoveTakesEmptyDirectories) {
  dir_.write("b", "");
  dir_.write("a", "");
  require_ok(files_.make_directories(dir_.file("c"), 0700));

  EXPECT_THAT(require_ok(files_.list(dir_.path())), ElementsAre("a", "b", "c"));
  require_ok(files_.remove(dir_.file("c")));
  require_ok(files_.remove(dir_.file("a")));
  EXPECT_THAT(require_ok(files_.list(dir_.path())), ElementsAre("b"));
}

TEST_F(PosixFiles, HeldLockConflictsAndShowsTheNote) {
  auto lock = require_ok(files_.lock(dir_.file("lock"), "process 7 of boot x"));

  EXPECT_THAT(files_.lock(dir_.file("lock"), "me"),
              failed_saying(Code::kConflict, "process 7 of boot x"));

  lock.reset();
  EXPECT_THAT(files_.lock(dir_.file("lock"), "me"), ok());
  EXPECT_EQ(dir_.read("lock"), "me");
}

TEST_F(PosixFiles, LockOfADeadProcessIsFree) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = files_.lock(dir_.file("lock"), "child");
    ::_exit(lock ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);

  EXPECT_THAT(files_.lock(dir_.file("lock"), "me"), ok());
}

TEST_F(PosixFiles, FilesCloseOnExec) {
  const auto file = require_ok(files_.open(dir_.file("a"), OpenMode::kCreate, 0600));

  for (const std::string& fd : require_ok(files_.list("/proc/self/fd"))) {
    char target[256];
    const ssize_t size = ::readlink(("/proc/self/fd/" + fd).c_str(), target, sizeof target);
    if (size > 0 && std::string_view(target, static_cast<std::size_t>(size)) == dir_.file("a")) {
      const std::string info = require_ok(files_.read_file("/proc/self/fdinfo/" + fd));
      EXPECT_NE(info.find("flags:\t02"), std::string::npos) << "O_CLOEXEC is 02000000: " << info;
      return;
    }
  }
  FAIL() << "the open file is not among the descriptors";
}

TEST_F(PosixFiles, FreeBytesAndModeOfAFolder) {
  EXPECT_GT(require_ok(files_.free_bytes(dir_.path())), 0u);
  const std::string path = dir_.write("a", "");
  require_ok(files_.set_mode(path, 0444));
  EXPECT_EQ(require_ok(files_.stat(path, true)).mode, 0444u);
}

}  // namespace
}  // namespace dsl::env
