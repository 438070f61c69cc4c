// What an open file promises, of the real files and of those in memory alike.
#include <cerrno>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/env/posix_file_system.h"
#include "dsl/env/unique_fd.h"
#include "support/memory_file_system.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::env {
namespace {

using test::Crash;
using test::MemoryFileSystem;
using test::ok;
using test::require_ok;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

std::string read(File& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '?');
  text.resize(require_ok(file.read_at(offset, std::as_writable_bytes(std::span(text)))));
  return text;
}

struct RealFiles {
  std::string path(std::string_view name) const { return dir.file(name); }
  const test::TempDir dir;
  PosixFileSystem files;
};

struct FilesInMemory {
  std::string path(std::string_view name) const { return text("/{}", name); }
  MemoryFileSystem files;
};

template <class Where>
class OpenFile : public ::testing::Test {
 protected:
  std::unique_ptr<File> open(OpenMode mode = OpenMode::kCreate) {
    return require_ok(where_.files.open(where_.path("a"), mode, 0600));
  }
  Where where_;
};

using Everywhere = ::testing::Types<RealFiles, FilesInMemory>;
TYPED_TEST_SUITE(OpenFile, Everywhere);

TYPED_TEST(OpenFile, ExclusiveLockShutsOutEveryOtherOpenFile) {
  const auto one = this->open();
  const auto other = this->open();

  EXPECT_TRUE(require_ok(one->lock_range(10, 5, RangeLock::kExclusive)));

  EXPECT_FALSE(require_ok(other->lock_range(14, 1, RangeLock::kShared)));
  EXPECT_FALSE(require_ok(other->lock_range(0, 100, RangeLock::kExclusive)));
  EXPECT_TRUE(require_ok(other->lock_range(0, 10, RangeLock::kExclusive))) << "bytes before it";
  EXPECT_TRUE(require_ok(other->lock_range(15, 1, RangeLock::kExclusive))) << "bytes behind it";
  EXPECT_EQ(require_ok(other->others_lock(0, 100)), RangeLock::kExclusive);
  EXPECT_EQ(require_ok(other->others_lock(15, 100)), RangeLock::kNone);
}

TYPED_TEST(OpenFile, SharedLocksGoTogether) {
  const auto one = this->open();
  const auto other = this->open(OpenMode::kRead);
  EXPECT_TRUE(require_ok(one->lock_range(0, 1, RangeLock::kShared)));
  EXPECT_TRUE(require_ok(other->lock_range(0, 1, RangeLock::kShared)));

  EXPECT_FALSE(require_ok(one->lock_range(0, 1, RangeLock::kExclusive)));
  EXPECT_EQ(require_ok(one->others_lock(0, 1)), RangeLock::kShared);
  EXPECT_EQ(require_ok(other->others_lock(0, 1)), RangeLock::kShared) << "kept by the failed try";

  EXPECT_TRUE(require_ok(other->lock_range(0, 1, RangeLock::kNone)));
  EXPECT_TRUE(require_ok(one->lock_range(0, 1, RangeLock::kExclusive)));
  EXPECT_FALSE(require_ok(other->lock_range(0, 1, RangeLock::kShared)));
  EXPECT_TRUE(require_ok(one->lock_range(0, 1, RangeLock::kShared)));
  EXPECT_TRUE(require_ok(other->lock_range(0, 1, RangeLock::kShared)));
}

TYPED_TEST(OpenFile, PartOfALockedRangeCanBeLetGo) {
  const auto one = this->open();
  const auto other = this->open();
  require_ok(one->lock_range(0, 10, RangeLock::kExclusive));

  require_ok(one->lock_range(4, 2, RangeLock::kNone));

  EXPECT_EQ(require_ok(other->others_lock(0, 4)), RangeLock::kExclusive);
  EXPECT_EQ(require_ok(other->others_lock(4, 2)), RangeLock::kNone);
  EXPECT_EQ(require_ok(other->others_lock(6, 4)), RangeLock::kExclusive);
}

TYPED_TEST(OpenFile, LocksEndWithTheirFileAndWithNoOther) {
  auto one = this->open();
  const auto other = this->open();
  require_ok(one->lock_range(0, 1, RangeLock::kExclusive));

  this->open().reset();
  EXPECT_FALSE(require_ok(other->lock_range(0, 1, RangeLock::kShared)));

  one.reset();
  EXPECT_TRUE(require_ok(other->lock_range(0, 1, RangeLock::kShared)));
}

TYPED_TEST(OpenFile, ExclusiveLockNeedsAFileOpenForWriting) {
  this->open();
  const auto file = this->open(OpenMode::kRead);

  EXPECT_FALSE(file->lock_range(0, 1, RangeLock::kExclusive).has_value());
}

TYPED_TEST(OpenFile, MappingsOfOneRangeAreOneMemory) {
  const auto one = this->open();
  const auto other = this->open();
  require_ok(one->write_at(0, bytes(std::string(8192, '.'))));
  const auto mapping = require_ok(one->map_shared(4096, 4096));
  const auto same = require_ok(other->map_shared(4096, 4096));
  ASSERT_EQ(same->bytes().size(), 4096u);

  mapping->bytes()[1] = std::byte{'m'};
  require_ok(other->write_at(4098, bytes("w")));

  EXPECT_EQ(text_of(same->bytes().first(4)), ".mw.");
  EXPECT_EQ(text_of(mapping->bytes().first(4)), ".mw.");
  EXPECT_EQ(read(*one, 4095, 4), "..mw");
}

TYPED_TEST(OpenFile, MappingMayBeginAnywhereAndOutlivesItsFile) {
  auto file = this->open();
  require_ok(file->write_at(0, bytes("0123456789")));
  const auto mapping = require_ok(file->map_shared(3, 4));

  file.reset();

  EXPECT_EQ(text_of(mapping->bytes()), "3456");
}

TYPED_TEST(OpenFile, InfoIsOfTheFileAndNotOfItsPath) {
  const auto file = this->open();
  require_ok(file->write_at(0, bytes("12345")));
  const FileInfo before = require_ok(file->info());
  require_ok(this->where_.files.rename(this->where_.path("a"), this->where_.path("b")));
  this->open();

  EXPECT_EQ(require_ok(file->info()).inode, before.inode);
  EXPECT_EQ(require_ok(file->info()).size_bytes, 5u);
  EXPECT_NE(require_ok(this->where_.files.stat(this->where_.path("a"), true)).inode, before.inode);
}

TYPED_TEST(OpenFile, EveryChangeHasATimeOfItsOwn) {
  const auto file = this->open();
  const auto pause = [] { ::usleep(20'000); };  // the kernel's clock ticks every few milliseconds
  const FileInfo made = require_ok(file->info());
  pause();
  require_ok(file->write_at(0, bytes("x")));
  const FileInfo written = require_ok(file->info());
  pause();
  require_ok(this->where_.files.set_mode(this->where_.path("a"), 0640));
  const FileInfo restricted = require_ok(file->info());

  EXPECT_LT(made.modified_ns, written.modified_ns);
  EXPECT_LT(made.changed_ns, written.changed_ns);
  EXPECT_EQ(restricted.modified_ns, written.modified_ns);
  EXPECT_LT(written.changed_ns, restricted.changed_ns);
}

TYPED_TEST(OpenFile, SyncOfDataReturnsWhenItIsDone) {
  const auto file = this->open();
  require_ok(file->write_at(0, bytes("x")));

  EXPECT_THAT(file->sync_data(), ok());
}

// Takes a record lock as other programs do, in a process of its own. Returns whether it could.
bool child_locks(const std::string& path, short kind, off_t byte) {
  const pid_t child = ::fork();
  if (child == 0) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    struct flock range {};
    range.l_type = kind;
    range.l_whence = SEEK_SET;
    range.l_start = byte;
    range.l_len = 1;
    ::_exit(::fcntl(fd.get(), F_SETLK, &range) == 0 ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

TEST(OpenRealFile, LocksGoTogetherWithTheRecordLocksOfOtherPrograms) {
  const test::TempDir dir;
  const std::string path = dir.write("a", "");
  PosixFileSystem files;
  const auto file = require_ok(files.open(path, OpenMode::kReadWrite, 0));
  require_ok(file->lock_range(0, 1, RangeLock::kExclusive));
  require_ok(file->lock_range(1, 1, RangeLock::kShared));

  EXPECT_FALSE(child_locks(path, F_RDLCK, 0));
  EXPECT_TRUE(child_locks(path, F_RDLCK, 1));
  EXPECT_FALSE(child_locks(path, F_WRLCK, 1));
  EXPECT_TRUE(child_locks(path, F_WRLCK, 2));
}

TEST(OpenRealFile, LocksEndWithTheFileAlsoWhileAChildStillHasTheDescriptor) {
  const test::TempDir dir;
  const std::string path = dir.write("a", "");
  PosixFileSystem files;
  auto file = require_ok(files.open(path, OpenMode::kReadWrite, 0));
  require_ok(file->lock_range(0, 1, RangeLock::kExclusive));
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[1]);
    char end = 0;
    (void)!::read(pipe[0], &end, 1);
    ::_exit(0);
  }

  file.reset();

  const auto other = require_ok(files.open(path, OpenMode::kReadWrite, 0));
  EXPECT_TRUE(require_ok(other->lock_range(0, 1, RangeLock::kExclusive)));
  ::close(pipe[0]);
  ::close(pipe[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(OpenFileInMemory, PowerCutDropsLocksAndUnsyncedMappedContent) {
  MemoryFileSystem files;
  require_ok(files.write_file("/a", "old"));
  const auto file = require_ok(files.open("/a", OpenMode::kReadWrite, 0600));
  require_ok(file->lock_range(0, 1, RangeLock::kExclusive));
  const auto mapping = require_ok(file->map_shared(0, 3));
  mapping->bytes()[0] = std::byte{'X'};

  files.restart({.data = Crash::Data::kLost});

  mapping->bytes()[1] = std::byte{'Y'};  // of a program that is gone
  const auto after = require_ok(files.open("/a", OpenMode::kReadWrite, 0600));
  EXPECT_TRUE(require_ok(after->lock_range(0, 1, RangeLock::kExclusive)));
  EXPECT_EQ(read(*after, 0, 3), "old");
}

TEST(OpenFileInMemory, MappedContentMayBeThereAfterAPowerCut) {
  MemoryFileSystem files;
  require_ok(files.write_file("/a", "old"));
  const auto file = require_ok(files.open("/a", OpenMode::kReadWrite, 0600));
  require_ok(file->map_shared(0, 3))->bytes()[0] = std::byte{'X'};

  files.restart({.data = Crash::Data::kKept});

  EXPECT_EQ(require_ok(files.read_file("/a")), "Xld");
}

TEST(OpenFileInMemory, TornWriteBehindTheEndLeavesWhatWasBeforeIt) {
  MemoryFileSystem files;
  require_ok(files.write_file("/a", "abcdef"));
  const auto file = require_ok(files.open("/a", OpenMode::kReadWrite, 0600));
  require_ok(file->write_at(4, bytes("12345678")));

  files.restart({.data = Crash::Data::kTorn});

  EXPECT_EQ(require_ok(files.read_file("/a")), "abcd1234");
}

}  // namespace
}  // namespace dsl::env
