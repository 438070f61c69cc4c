// SQLite on the files of an Env: what the VFS under it promises.
#include "dsl/db/vfs.h"

#include <cerrno>
#include <latch>
#include <thread>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/db/connection.h"
#include "dsl/db/db_test_base.h"
#include "dsl/db/sqlite_shell.h"

namespace dsl::db {
namespace {

using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kPath = "/test.db";

// Connections on files in memory.
class VfsTest : public ::testing::Test {
 protected:
  VfsTest() : env_(1) {
    require_ok(env_.files().open(kPath, env::OpenMode::kCreateNew, 0600));
    require_ok(env_.files().sync_directory("/"));
  }

  // One that does not wait for locks.
  std::unique_ptr<Connection> connect(Access access = Access::kReadWrite) {
    auto connection = require_ok(Connection::open(env_, kPath, access));
    require_ok(connection->execute("PRAGMA busy_timeout=0"));
    return connection;
  }

  std::unique_ptr<Connection> connect_with_log() {
    auto connection = connect();
    EXPECT_EQ(require_ok(connection->text("PRAGMA journal_mode=WAL")), "wal");
    return connection;
  }

  std::vector<std::string> names() { return require_ok(env_.files().list("/")); }

  test::TestEnv env_;
};

int control(Connection& connection, int what, int argument) {
  EXPECT_EQ(sqlite3_file_control(connection.handle(), "main", what, &argument), SQLITE_OK);
  return argument;
}

TEST_F(VfsTest, EachConnectionHasOneOfItsOwnWhileItLives) {
  auto one = connect();
  const auto other = connect();
  char* name = nullptr;
  char* other_name = nullptr;
  ASSERT_EQ(sqlite3_file_control(one->handle(), "main", SQLITE_FCNTL_VFSNAME, &name), SQLITE_OK);
  ASSERT_EQ(sqlite3_file_control(other->handle(), "main", SQLITE_FCNTL_VFSNAME, &other_name),
            SQLITE_OK);

  EXPECT_STRNE(name, other_name);
  EXPECT_NE(sqlite3_vfs_find(name), nullptr);
  EXPECT_NE(sqlite3_vfs_find(name), sqlite3_vfs_find(nullptr)) << "not SQLite's own";

  one.reset();
  EXPECT_EQ(sqlite3_vfs_find(name), nullptr);
  sqlite3_free(name);
  sqlite3_free(other_name);
}

TEST_F(VfsTest, ErrorsNameFileAndActionOnce) {
  const auto connection = connect_with_log();
  require_ok(connection->execute("CREATE TABLE t(x)"));
  env_.memory_files().fail_after(0, EIO);

  EXPECT_THAT(connection->execute("INSERT INTO t VALUES(1)"),
              failed_saying(Code::kUnavailable, "cannot write /test.db-wal: Input/output error"));
  EXPECT_THAT(connection->execute("INSERT INTO t VALUES(1)"), ok());
  EXPECT_THAT(connection->execute("PRAGMA max_page_count=1; CREATE TABLE u(x)"),
              failed_saying(Code::kNoSpace, "writes then work again"))
      << "not with the hint of the earlier error";
}

TEST_F(VfsTest, FullDiskIsNoSpaceWhereverItIsMet) {
  const std::string large(100'000, 'x');
  int met = 0;
  for (std::uint64_t change = 0;; ++change) {
    test::TestEnv env(1);
    require_ok(env.files().open(kPath, env::OpenMode::kCreateNew, 0600));
    env.memory_files().fail_after(change, ENOSPC);
    const auto work = [&]() -> Result<void> {
      MC_ASSIGN(const auto connection, Connection::open(env, kPath, Access::kReadWrite));
      MC_TRY(connection->execute("PRAGMA journal_mode=WAL; CREATE TABLE t(x)"));
      MC_TRY(connection->execute(text("INSERT INTO t VALUES('{}')", large)));
      return connection->execute("PRAGMA wal_checkpoint");
    };
    const Result<void> done = work();
    if (env.memory_files().faults_left() > 0) {
      break;
    }
    if (!done) {
      ++met;
      EXPECT_THAT(done, failed_with(Code::kNoSpace)) << "after " << change;
    }
  }
  EXPECT_GT(met, 20);
}

TEST_F(VfsTest, FolderThatTakesNoJournalIsPermissionDenied) {
  const auto connection = connect();
  env_.memory_files().fail_after(0, EACCES);

  EXPECT_THAT(connection->execute("CREATE TABLE t(x)"),
              failed_saying(Code::kPermissionDenied, "check owner and mode"));
}

TEST_F(VfsTest, TimeIsThatOfTheEnv) {
  const auto connection = connect();
  env_.manual_clock().advance(std::chrono::seconds(90));

  EXPECT_EQ(require_ok(connection->text("SELECT datetime('now')")), "2026-01-01 00:01:30");
}

TEST_F(VfsTest, BusyHandlerWaitsInRealTime) {
  const auto holder = connect();
  const auto waiter = connect();
  require_ok(holder->execute("BEGIN IMMEDIATE"));
  require_ok(waiter->execute("PRAGMA busy_timeout=5000"));

  std::thread release([&] { require_ok(holder->execute("CREATE TABLE t(x); COMMIT")); });

  EXPECT_THAT(waiter->execute("BEGIN IMMEDIATE"), ok()) << "though the clock of the Env stands";
  release.join();
}

TEST_F(VfsTest, FileControlsAnswer) {
  const auto connection = connect_with_log();
  require_ok(connection->execute("CREATE TABLE t(x)"));

  EXPECT_EQ(control(*connection, SQLITE_FCNTL_LOCKSTATE, -1), SQLITE_LOCK_SHARED);
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_POWERSAFE_OVERWRITE, -1), 1);
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_PERSIST_WAL, -1), 0);
  control(*connection, SQLITE_FCNTL_PERSIST_WAL, 1);
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_PERSIST_WAL, -1), 1);
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_CHUNK_SIZE, 1 << 20), 1 << 20);
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_LAST_ERRNO, -1), 0);
  env_.memory_files().fail_after(0, ENOSPC);
  // Not asked for its error.
  EXPECT_NE(
      sqlite3_exec(connection->handle(), "INSERT INTO t VALUES(1)", nullptr, nullptr, nullptr),
      SQLITE_OK);
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_LAST_ERRNO, -1), ENOSPC);
}

TEST_F(VfsTest, MovedDatabaseIsNoticed) {
  const auto connection = connect();
  require_ok(connection->execute("CREATE TABLE t(x)"));
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_HAS_MOVED, -1), 0);

  require_ok(env_.files().rename(kPath, "/moved.db"));
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_HAS_MOVED, -1), 1);
  EXPECT_THAT(connection->execute("INSERT INTO t VALUES(1)"), failed_with(Code::kPermissionDenied))
      << "its journal would lie beside a file of another name";

  require_ok(env_.files().open(kPath, env::OpenMode::kCreateNew, 0600));
  EXPECT_EQ(control(*connection, SQLITE_FCNTL_HAS_MOVED, -1), 1) << "another file of the name";
}

TEST_F(VfsTest, TemporaryFilesLieBesideTheDatabaseWithoutAName) {
  const auto connection = connect();
  require_ok(connection->execute("PRAGMA cache_size=10; PRAGMA temp.cache_size=10"));
  env_.memory_files().set_capacity(3 << 20);

  // Sorting 8 MB takes a file, and that has no more room than the database.
  const auto sorted = connection->integer(
      "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
      " WHERE i < 20000) SELECT i, hex(randomblob(200)) AS x FROM n ORDER BY x)");

  EXPECT_THAT(names(), Not(Contains(StartsWith("test.db.temp-"))));
  (void)sorted;  // the file has no name, so that the memory file system does not count it
  require_ok(
      connection->execute("CREATE TEMP TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                          " SELECT i + 1 FROM n WHERE i < 2000) SELECT i, randomblob(1000)"
                          " AS x FROM n"));
  EXPECT_EQ(require_ok(connection->integer("SELECT sum(length(x)) FROM t")), 2'000'000);
  EXPECT_THAT(names(), ElementsAre("test.db"));
}

TEST_F(VfsTest, VacuumWorksOnIt) {
  const auto connection = connect_with_log();
  require_ok(connection->execute("CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(1000000))"));
  require_ok(connection->execute("DELETE FROM t"));
  require_ok(connection->execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"));

  EXPECT_LT(require_ok(env_.files().stat(kPath)).size_bytes, 100'000u);
}

TEST_F(VfsTest, RollbackJournalExcludesAsItsLocksSay) {
  const auto one = connect();
  require_ok(one->execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  const auto other = connect();
  const auto third = connect();
  const char* sum = "SELECT sum(x) FROM t";

  require_ok(one->execute("BEGIN IMMEDIATE; UPDATE t SET x = 2"));  // reserved
  EXPECT_EQ(require_ok(other->integer(sum)), 1) << "readers go on";
  EXPECT_THAT(other->execute("BEGIN IMMEDIATE"), failed_with(Code::kUnavailable));

  require_ok(other->execute("BEGIN"));
  EXPECT_EQ(require_ok(other->integer(sum)), 1);
  EXPECT_THAT(one->execute("COMMIT"), failed_with(Code::kUnavailable)) << "a reader is inside";
  EXPECT_THAT(third->integer(sum), failed_with(Code::kUnavailable)) << "a writer waits: pending";
  EXPECT_EQ(require_ok(other->integer(sum)), 1);

  require_ok(other->execute("COMMIT"));
  require_ok(one->execute("COMMIT"));
  EXPECT_EQ(require_ok(third->integer(sum)), 2);
  require_ok(one->execute("BEGIN EXCLUSIVE"));
  EXPECT_THAT(third->integer(sum), failed_with(Code::kUnavailable));
  require_ok(one->execute("ROLLBACK"));
  EXPECT_EQ(require_ok(third->integer(sum)), 2);
}

TEST_F(VfsTest, HotJournalIsRolledBack) {
  {
    const auto connection = connect();
    require_ok(connection->execute(
        "CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(100000)); PRAGMA cache_size=2"));
    require_ok(connection->execute("BEGIN; UPDATE t SET x = randomblob(100000)"));
    EXPECT_THAT(names(), Contains("test.db-journal"));
    env_.memory_files().crash_after(0);
  }
  env_.memory_files().restart({.data = test::Crash::Data::kKept, .names_kept = true});

  const auto connection = connect();
  EXPECT_EQ(require_ok(connection->integer("SELECT x = zeroblob(100000) FROM t")), 1);
  EXPECT_THAT(names(), ElementsAre("test.db"));
}

TEST_F(VfsTest, LogHasOneWriterAndReadersKeepTheirState) {
  const auto writer = connect_with_log();
  require_ok(writer->execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  const auto other = connect();
  const auto reader = connect(Access::kReadOnly);
  const char* sum = "SELECT sum(x) FROM t";
  require_ok(reader->execute("BEGIN"));
  EXPECT_EQ(require_ok(reader->integer(sum)), 1);

  require_ok(writer->execute("BEGIN IMMEDIATE; INSERT INTO t VALUES(2)"));
  EXPECT_THAT(other->execute("BEGIN IMMEDIATE"), failed_with(Code::kUnavailable));
  require_ok(writer->execute("COMMIT"));

  EXPECT_EQ(require_ok(reader->integer(sum)), 1);
  EXPECT_EQ(require_ok(other->integer(sum)), 3);
  EXPECT_THAT(other->execute("INSERT INTO t VALUES(4)"), ok());
}

TEST_F(VfsTest, CheckpointStopsAtWhatAReaderStillNeeds) {
  const auto writer = connect_with_log();
  require_ok(writer->execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  const auto reader = connect(Access::kReadOnly);
  require_ok(reader->execute("BEGIN"));
  require_ok(reader->integer("SELECT sum(x) FROM t"));
  require_ok(writer->execute("INSERT INTO t VALUES(2)"));
  const auto checkpoint = [&](int mode) {
    return sqlite3_wal_checkpoint_v2(writer->handle(), nullptr, mode, nullptr, nullptr);
  };

  EXPECT_EQ(checkpoint(SQLITE_CHECKPOINT_PASSIVE), SQLITE_OK);
  EXPECT_EQ(checkpoint(SQLITE_CHECKPOINT_TRUNCATE), SQLITE_BUSY);
  EXPECT_EQ(require_ok(reader->integer("SELECT sum(x) FROM t")), 1);

  require_ok(reader->execute("COMMIT"));
  EXPECT_EQ(checkpoint(SQLITE_CHECKPOINT_TRUNCATE), SQLITE_OK);
  EXPECT_EQ(require_ok(env_.files().stat("/test.db-wal")).size_bytes, 0u);
}

TEST_F(VfsTest, IndexOfALogGrowsBeyondItsFirstRegion) {
  const auto writer = connect_with_log();
  const auto reader = connect(Access::kReadOnly);
  // Some 10'000 pages: the first region holds 4062, each further one 4096.
  require_ok(writer->execute(
      "CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
      " WHERE i < 10000) INSERT INTO t SELECT zeroblob(4000) FROM n"));

  EXPECT_EQ(require_ok(env_.files().stat("/test.db-shm")).size_bytes, 3u * 32768);
  EXPECT_EQ(require_ok(reader->integer("SELECT count(*) FROM t WHERE length(x) = 4000")), 10'000);
}

TEST_F(VfsTest, StaleIndexOfALogIsNotBelieved) {
  {
    const auto writer = connect_with_log();
    require_ok(writer->execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  }
  // As after a power cut that kept the index and lost what it describes: never synced, never
  // needed.
  require_ok(require_ok(env_.files().open("/test.db-wal", env::OpenMode::kTruncate))->sync());
  ASSERT_GT(require_ok(env_.files().stat("/test.db-shm")).size_bytes, 3u);

  const auto connection = connect();

  EXPECT_EQ(require_ok(connection->integer("SELECT count(*) FROM sqlite_schema")), 0);
  EXPECT_EQ(require_ok(connection->text("PRAGMA quick_check")), "ok");
}

TEST_F(VfsTest, EndOfLogModeRemovesItsFiles) {
  const auto connection = connect_with_log();
  require_ok(connection->execute("CREATE TABLE t(x)"));
  EXPECT_THAT(names(), ElementsAre("test.db", "test.db-shm", "test.db-wal"));

  EXPECT_EQ(require_ok(connection->text("PRAGMA journal_mode=DELETE")), "delete");

  EXPECT_THAT(names(), ElementsAre("test.db"));
}

TEST_F(VfsTest, CloseOfTheLastConnectionLeavesTheLog) {
  {
    const auto connection = connect_with_log();
    require_ok(connection->execute("CREATE TABLE t(x)"));
  }

  EXPECT_GT(require_ok(env_.files().stat("/test.db-wal")).size_bytes, 4096u);
}

// SQLite keeps one hook for the log, and `PRAGMA wal_autocheckpoint` sets it, also when set to 0.
TEST_F(VfsTest, HookForTheLogSetAfterTheOpenStays) {
  const auto connection = connect_with_log();
  int calls = 0;
  const auto set_hook = [&] {
    sqlite3_wal_hook(
        connection->handle(),
        [](void* count, sqlite3*, const char*, int) {
          ++*static_cast<int*>(count);
          return SQLITE_OK;
        },
        &calls);
  };
  set_hook();

  require_ok(connection->execute("CREATE TABLE t(x)"));
  require_ok(connection->in_snapshot([](Transaction&) -> Result<void> { return {}; }));
  require_ok(connection->execute("INSERT INTO t VALUES(1)"));
  EXPECT_EQ(calls, 2) << "the pragma comes with the open, before a hook";

  require_ok(connection->execute("PRAGMA wal_autocheckpoint=0; INSERT INTO t VALUES(1)"));
  EXPECT_EQ(calls, 2) << "if this fails SQLite has changed, and the order does not matter any more";
}

// The same on real files, where the kernel has the locks.
class RealVfsTest : public DatabaseTest {};

TEST_F(RealVfsTest, CompanionsLieBesideTheFileBehindALink) {
  require_ok(env_.files().make_directories(dir_.file("elsewhere"), 0700));
  const std::string target = dir_.file("elsewhere/real.db");
  require_ok(env_.files().open(target, env::OpenMode::kCreateNew, 0600));
  ASSERT_EQ(::symlink(target.c_str(), path_.c_str()), 0);

  const auto db = require_ok(open());
  require_ok(add(*db, "one"));

  EXPECT_THAT(require_ok(env_.files().list(dir_.path())), ElementsAre("elsewhere", "test.db"));
  EXPECT_THAT(require_ok(env_.files().list(dir_.file("elsewhere"))),
              ElementsAre("real.db", "real.db-shm", "real.db-wal"));
}

TEST_F(RealVfsTest, RelativePathsWork) {
  const std::unique_ptr<char, decltype(&std::free)> before(::getcwd(nullptr, 0), &std::free);
  ASSERT_EQ(::chdir(dir_.path().c_str()), 0);

  const auto db = Database::open(env_, "test.db", {.migrations = kMigrations});

  ASSERT_EQ(::chdir(before.get()), 0);
  EXPECT_THAT(
      add(*require_ok(std::move(const_cast<Result<std::unique_ptr<Database>>&>(db))), "one"), ok())
      << "also once the working directory is another";
}

// Adds 1 to the counter `times` times, with connections that come and go.
void count_up(env::Env& env, const std::string& path, int times) {
  for (int i = 0; i < times;) {
    const auto connection = require_ok(Connection::open(env, path, Access::kReadWrite));
    for (int j = 0; j < 10 && i < times; ++j, ++i) {
      require_ok(connection->execute("PRAGMA busy_timeout=20000; BEGIN IMMEDIATE"));
      const std::int64_t value = require_ok(connection->integer("SELECT value FROM counter"));
      require_ok(connection->execute(text("UPDATE counter SET value = {}; COMMIT", value + 1)));
    }
    // Also a lock that takes turns: checkpoints exclude each other, and writers at their end.
    (void)sqlite3_wal_checkpoint_v2(connection->handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                    nullptr, nullptr);
  }
}

TEST_F(RealVfsTest, ThreadsAndProcessesWithConnectionsOfTheirOwnLoseNoUpdate) {
  constexpr int kTimes = 100;
  const test::TempDir folder(test::TempDir::Where::kMemory);
  const std::string path = folder.file("test.db");
  require_ok(env_.files().open(path, env::OpenMode::kCreateNew, 0600));
  {
    const auto connection = require_ok(Connection::open(env_, path, Access::kReadWrite));
    require_ok(connection->execute(
        "PRAGMA journal_mode=WAL; CREATE TABLE counter(value); INSERT INTO counter VALUES(0)"));
  }
  std::vector<pid_t> children;
  for (int i = 0; i < 2; ++i) {
    children.push_back(::fork());
    if (children.back() == 0) {
      count_up(env_, path, kTimes);
      ::_exit(0);
    }
  }
  std::thread thread([&] { count_up(env_, path, kTimes); });
  count_up(env_, path, kTimes);
  thread.join();
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }

  const auto connection = require_ok(Connection::open(env_, path, Access::kReadWrite));
  EXPECT_EQ(require_ok(connection->integer("SELECT value FROM counter")), 4 * kTimes);
  EXPECT_EQ(require_ok(connection->text("PRAGMA integrity_check")), "ok");
}

// Databases beyond 1 GiB, where the page with the bytes for locks is left out. The file up to there
// is a hole.
class LockPageTest : public RealVfsTest, public ::testing::WithParamInterface<int> {};

TEST_P(LockPageTest, IsNeverWrittenAndDataGoesOnBehindIt) {
  constexpr std::uint64_t kLockByte = 0x40000000;
  const auto page_bytes = static_cast<std::uint64_t>(GetParam());
  const std::uint64_t pages = kLockByte / page_bytes - 2;
  {
    require_ok(env_.files().open(path_, env::OpenMode::kCreateNew, 0600));
    const auto connection = require_ok(Connection::open(env_, path_, Access::kReadWrite));
    require_ok(connection->execute(text("PRAGMA page_size={}; CREATE TABLE t(x)", page_bytes)));
  }
  {
    const auto file = require_ok(env_.files().open(path_, env::OpenMode::kReadWrite));
    require_ok(file->truncate(pages * page_bytes));
    // https://www.sqlite.org/fileformat.html, section 1.3: the size in pages, big-endian.
    std::array<std::byte, 4> size{};
    for (std::size_t i = 0; i < 4; ++i) {
      size[i] = static_cast<std::byte>(pages >> (24 - 8 * i));
    }
    require_ok(file->write_at(28, size));
  }
  const std::string row(20 * page_bytes, 'x');

  {
    const auto connection = require_ok(Connection::open(env_, path_, Access::kReadWrite));
    require_ok(connection->execute("PRAGMA journal_mode=WAL"));
    for (int i = 0; i < 3; ++i) {
      Statement insert = connection->prepare("INSERT INTO t VALUES(?)");
      insert.bind_all(row);
      require_ok(insert.run());
    }
    require_ok(connection->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  const auto connection = require_ok(Connection::open(env_, path_, Access::kReadOnly));
  Statement check = connection->prepare("SELECT count(*) FROM t WHERE x = ?");
  check.bind_all(row);
  require_ok(check.each([](Row& found) -> Result<void> {
    EXPECT_EQ(found.integer(0), 3);
    return {};
  }));
  const auto file = require_ok(env_.files().open(path_, env::OpenMode::kRead));
  std::string page(page_bytes, '?');
  EXPECT_EQ(require_ok(file->read_at(kLockByte, std::as_writable_bytes(std::span(page)))),
            page_bytes);
  EXPECT_EQ(page, std::string(page_bytes, '\0'));
  EXPECT_GT(require_ok(file->size()), kLockByte + 10 * page_bytes);
}

INSTANTIATE_TEST_SUITE_P(PageSizes, LockPageTest, ::testing::Values(512, 4096, 65536));

}  // namespace
}  // namespace dsl::db
