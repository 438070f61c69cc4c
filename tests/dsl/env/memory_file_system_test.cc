// The model of a disk that other tests trust.
#include "support/memory_file_system.h"

#include <cerrno>

#include <gmock/gmock.h>

#include "support/crash_points.h"
#include "support/result_matchers.h"

namespace dsl::env {
namespace {

using test::Crash;
using test::failed_saying;
using test::failed_with;
using test::MemoryFileSystem;
using test::ok;
using test::require_ok;
using ::testing::AnyOf;
using ::testing::ElementsAre;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content(MemoryFileSystem& files, const std::string& path) {
  const auto text = files.read_file(path);
  return text ? *text : std::string(code_info(text.error().code()).name);
}

TEST(MemoryFiles, UnsyncedDataIsLost) {
  MemoryFileSystem files;
  require_ok(files.write_file("/a", "old"));
  const auto file = require_ok(files.open("/a", OpenMode::kReadWrite, 0600));
  require_ok(file->write_at(0, bytes("new")));
  EXPECT_EQ(content(files, "/a"), "new");

  files.restart({.data = Crash::Data::kLost});

  EXPECT_EQ(content(files, "/a"), "old");
  EXPECT_THAT(file->sync(), failed_saying(Code::kUnavailable, "after a restart"));
}

TEST(MemoryFiles, LastUnsyncedWriteCanBeTorn) {
  MemoryFileSystem files;
  require_ok(files.write_file("/a", "oldold"));
  const auto file = require_ok(files.open("/a", OpenMode::kReadWrite, 0600));
  require_ok(file->write_at(0, bytes("newest")));

  files.restart({.data = Crash::Data::kTorn});

  EXPECT_EQ(content(files, "/a"), "newold");
}

TEST(MemoryFiles, NamesAreDurableOnlyAfterADirectorySync) {
  MemoryFileSystem files;
  require_ok(files.write_file("/a", "kept"));
  require_ok(files.rename("/a", "/b"));
  require_ok(require_ok(files.open("/new", OpenMode::kCreate, 0600))->sync());

  files.restart();

  EXPECT_THAT(require_ok(files.list("/")), ElementsAre("a"));
  require_ok(files.rename("/a", "/b"));
  require_ok(files.sync_directory("/"));
  files.restart();
  EXPECT_THAT(require_ok(files.list("/")), ElementsAre("b"));
  EXPECT_EQ(content(files, "/b"), "kept");
}

TEST(MemoryFiles, MovedDirectoryTakesItsFilesAlong) {
  MemoryFileSystem files;
  require_ok(files.make_directories("/x/y", 0700));
  require_ok(files.write_file("/x/y/f", "inside"));
  require_ok(files.rename("/x/y", "/z"));
  require_ok(files.sync_directory("/"));
  require_ok(files.sync_directory("/x"));

  files.restart();

  EXPECT_EQ(content(files, "/z/f"), "inside");
  EXPECT_EQ(content(files, "/x/y/f"), "not_found");
}

TEST(MemoryFiles, InjectedErrorsComeWhenAsked) {
  MemoryFileSystem files;
  const auto file = require_ok(files.open("/a", OpenMode::kCreate, 0600));
  files.fail_after(1, EIO);

  EXPECT_THAT(file->write_at(0, bytes("text")), ok());
  EXPECT_THAT(file->sync(), failed_saying(Code::kUnavailable, "Input/output error"));
  EXPECT_THAT(file->sync(), ok());
}

TEST(MemoryFiles, FullDiskTakesHalfOfAWriteAndSaysSo) {
  MemoryFileSystem files;
  files.set_capacity(5);
  const auto file = require_ok(files.open("/a", OpenMode::kCreate, 0600));

  EXPECT_THAT(file->write_at(0, bytes("123456")),
              failed_saying(Code::kNoSpace, "free space on the file system that holds /a"));

  EXPECT_EQ(content(files, "/a"), "123");
  EXPECT_EQ(require_ok(files.free_bytes("/")), 2u);
}

TEST(MemoryFiles, LockConflictNamesTheHolder) {
  MemoryFileSystem files;
  auto lock = require_ok(files.lock("/lock", "process 7"));

  EXPECT_THAT(files.lock("/lock", "process 8"), failed_saying(Code::kConflict, "process 7"));

  lock.reset();
  EXPECT_THAT(files.lock("/lock", "process 8"), ok());
}

TEST(WriteFile, CutAtAnyChangeLeavesTheOldOrTheNewContent) {
  const std::string before = "the old content of the file";
  const std::string after = "the new content, which is longer than the old one";

  const int cuts = test::at_every_crash_point({
      .prepare = [&](auto& files) { require_ok(files.write_file("/conf", before)); },
      .work = [&](auto& files) { (void)files.write_file("/conf", after); },
      .check =
          [&](auto& files, bool finished) {
            if (finished) {
              EXPECT_EQ(content(files, "/conf"), after) << "acknowledged, so durable";
            } else {
              EXPECT_THAT(content(files, "/conf"), AnyOf(before, after));
            }
          },
  });

  // create, write, sync, rename, sync of the directory, and once without a cut
  EXPECT_EQ(cuts, 6 * 6);
}

TEST(WriteFile, CutAtAnyChangeOfTheFirstWriteLeavesNothingOrAll) {
  test::at_every_crash_point({
      .prepare = [](auto& files) { require_ok(files.make_directories("/srv/mcp", 0700)); },
      .work = [](auto& files) { (void)files.write_file("/srv/mcp/conf", "content"); },
      .check =
          [](auto& files, bool) {
            EXPECT_THAT(content(files, "/srv/mcp/conf"), AnyOf("content", "not_found"));
          },
  });
}

TEST(WriteFile, FailureAtAnyStepKeepsTheOldContentAndLeavesNoTemporaryFile) {
  for (std::uint64_t step = 0; step < 4; ++step) {
    for (const int number : {ENOSPC, EIO}) {
      MemoryFileSystem files;
      require_ok(files.write_file("/conf", "old"));
      files.fail_after(step, number);

      const auto written = files.write_file("/conf", "new");

      EXPECT_THAT(written, failed_with(number == ENOSPC ? Code::kNoSpace : Code::kUnavailable));
      EXPECT_EQ(content(files, "/conf"), "old") << "step " << step;
      EXPECT_THAT(require_ok(files.list("/")), ElementsAre("conf"));
    }
  }
}

}  // namespace
}  // namespace dsl::env
