#include <sqlite3.h>
#include <sys/stat.h>

#include "dsl/db/db_test_base.h"
#include "dsl/hash/sha256.h"

namespace dsl::db {
namespace {

using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;

class OpenTest : public DatabaseTest {
 protected:
  // A database with rows, closed.
  void fill(int rows = 3) {
    const auto db = require_ok(open());
    require_ok(db->write([&](Transaction& tx) -> Result<void> {
      for (int i = 0; i < rows; ++i) {
        MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)", text("item {}", i)));
      }
      return {};
    }));
  }

  std::string hash_of(const std::string& path) { return sha256_hex(bytes_of(path)); }

  // Copies the files as they would lie there after a power cut.
  void copy_as_after_a_crash(const std::string& to) {
    for (const char* suffix : {"", "-wal"}) {
      require_ok(env_.files().write_file(to + suffix, bytes_of(path_ + suffix)));
    }
  }

  void raw(const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }
};

TEST_F(OpenTest, MemoryAndUriNamesAreRefused) {
  for (const char* path : {"", ":memory:", "file:x.db"}) {
    EXPECT_THAT(Database::open(env_, path, {}), failed_with(Code::kInvalidArgument)) << path;
  }
}

TEST_F(OpenTest, MissingFolderIsNamed) {
  EXPECT_THAT(Database::open(env_, dir_.file("no/test.db"), {}),
              failed_saying(Code::kNotFound, dir_.file("no/test.db")));
}

TEST_F(OpenTest, GarbageIsRefusedAndUntouched) {
  for (const std::size_t size : {1u, 99u, 100u, 511u, 4096u, 100'000u}) {
    const std::string garbage(size, 'g');
    dir_.write("test.db", garbage);

    EXPECT_THAT(open(), failed_saying(Code::kDataLoss, "restore")) << size << " bytes";

    EXPECT_EQ(hash_of(path_), sha256_hex(garbage));
  }
}

TEST_F(OpenTest, TruncatedFileIsRefusedAndUntouched) {
  fill(2000);
  const std::string whole = bytes_of(path_);
  ASSERT_GT(whole.size(), 40'000u);

  for (const std::size_t size : {whole.size() - 1, whole.size() - 4096, whole.size() / 2,
                                 std::size_t{4096}, std::size_t{100}, std::size_t{1}}) {
    dir_.write("test.db", whole.substr(0, size));

    EXPECT_THAT(open(), failed_with(Code::kDataLoss)) << size << " of " << whole.size();

    EXPECT_EQ(hash_of(path_), sha256_hex(whole.substr(0, size)));
  }
}

TEST_F(OpenTest, TruncatedFileWithItsLogIsRefusedAndUntouched) {
  const std::string crashed = dir_.file("crashed.db");
  {
    fill(2000);
    const auto db = require_ok(open());
    require_ok(add(*db, "in the log"));
    copy_as_after_a_crash(crashed);
  }
  const std::string half = bytes_of(crashed).substr(0, bytes_of(crashed).size() / 2);
  dir_.write("crashed.db", half);

  EXPECT_THAT(Database::open(env_, crashed, {.migrations = kMigrations}),
              failed_with(Code::kDataLoss));

  EXPECT_EQ(hash_of(crashed), sha256_hex(half));
}

TEST_F(OpenTest, LogWithoutItsDatabaseIsRefused) {
  const std::string crashed = dir_.file("crashed.db");
  {
    const auto db = require_ok(open());
    require_ok(add(*db, "in the log"));
    copy_as_after_a_crash(crashed);
  }
  const std::string log = hash_of(crashed + "-wal");
  for (const bool empty_file : {true, false}) {
    empty_file ? (void)dir_.write("crashed.db", "") : require_ok(env_.files().remove(crashed));

    EXPECT_THAT(Database::open(env_, crashed, {.migrations = kMigrations}),
                failed_saying(Code::kDataLoss, "missing while its log is there"));

    EXPECT_EQ(hash_of(crashed + "-wal"), log);
  }
}

TEST_F(OpenTest, NewerSchemaIsRefusedAndUntouched) {
  fill();
  const std::string before = hash_of(path_);

  EXPECT_THAT(open({.migrations = {kMigrations[0]}}),
              failed_saying(Code::kFailedPrecondition, "run a release that has schema version 2"));

  EXPECT_EQ(hash_of(path_), before);
}

TEST_F(OpenTest, EditedOrRenamedMigrationIsRefused) {
  fill();
  std::vector<Migration> edited = kMigrations;
  edited[0].sql = "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT)";
  std::vector<Migration> renamed = kMigrations;
  renamed[1].name = "size";

  EXPECT_THAT(open({.migrations = edited}),
              failed_saying(Code::kFailedPrecondition, "migration 1 (initial) was changed"));
  EXPECT_THAT(open({.migrations = renamed}),
              failed_saying(Code::kFailedPrecondition, "applied it as sizes"));
  EXPECT_THAT(open(), ok());
}

TEST_F(OpenTest, MissingRecordOfAMigrationIsRefused) {
  fill();
  raw("DELETE FROM schema_migrations WHERE number = 1");

  EXPECT_THAT(open(), failed_saying(Code::kFailedPrecondition, "no record of migration 1"));
}

TEST_F(OpenTest, FailedMigrationLeavesNoTraceOfItself) {
  fill();
  std::vector<Migration> more = kMigrations;
  more.push_back({3, "broken", "CREATE TABLE extra(x); INSERT INTO nowhere VALUES(1)"});

  EXPECT_THAT(open({.migrations = more}), failed_saying(Code::kInternal, "migration 3 (broken)"));

  const auto db = require_ok(open());
  EXPECT_EQ(db->schema_version(), 2);
  EXPECT_FALSE(db->read([](Transaction& tx) { return tx.run("SELECT * FROM extra"); }));
}

TEST_F(OpenTest, MigrationThatBreaksAReferenceIsRefused) {
  {
    const auto db = require_ok(open());
    require_ok(add(*db, "one"));
    require_ok(
        db->write([](Transaction& tx) { return tx.run("INSERT INTO parts VALUES(1, '')"); }));
  }
  std::vector<Migration> more = kMigrations;
  more.push_back({3, "orphans", "DELETE FROM items"});

  EXPECT_THAT(open({.migrations = more}),
              failed_saying(Code::kFailedPrecondition, "row 1 of parts"));

  EXPECT_THAT(names(*require_ok(open())), ElementsAre("one"));
}

TEST_F(OpenTest, MigrationMayNotEndItsTransaction) {
  EXPECT_THAT(open({.migrations = {{1, "initial", "CREATE TABLE a(x); COMMIT;"}}}),
              failed_saying(Code::kInternal, "remove BEGIN, COMMIT"));
}

TEST_F(OpenTest, PendingMigrationTakesACopyFirst) {
  {
    const auto db = require_ok(open({.migrations = {kMigrations[0]}}));
    require_ok(add(*db, "before"));
  }
  EXPECT_FALSE(require_ok(env_.files().exists(path_ + ".pre-1"))) << "there was no data";

  const auto db = require_ok(open());

  EXPECT_EQ(db->schema_version(), 2);
  EXPECT_THAT(names(*db), ElementsAre("before"));
  const auto copy =
      require_ok(Database::open(env_, path_ + ".pre-2", {.migrations = {kMigrations[0]}}));
  EXPECT_THAT(names(*copy), ElementsAre("before"));
}

TEST_F(OpenTest, CopyOfAnEarlierTryIsReplaced) {
  {
    const auto db = require_ok(open({.migrations = {kMigrations[0]}}));
    require_ok(add(*db, "before"));
  }
  dir_.write("test.db.pre-2", "of an earlier try");

  require_ok(open());

  EXPECT_NE(dir_.read("test.db.pre-2"), "of an earlier try");
}

TEST_F(OpenTest, MigrationsAreRecordedOnceInOrder) {
  require_ok(open());
  const auto db = require_ok(open());

  std::string recorded;
  require_ok(db->read([&](Transaction& tx) {
    return tx.query("SELECT number, name, length(checksum) FROM schema_migrations ORDER BY number",
                    [&](Row& row) -> Result<void> {
                      recorded += row.text(0) + " " + row.text(1) + " " + row.text(2) + "\n";
                      return {};
                    });
  }));

  EXPECT_EQ(recorded, "1 initial 64\n2 sizes 64\n");
}

TEST_F(OpenTest, FileAndCompanionsAreForTheOwnerOnly) {
  const ::mode_t before = ::umask(0);
  const auto db = require_ok(open());
  require_ok(add(*db, "one"));
  ::umask(before);

  for (const char* suffix : {"", "-wal", "-shm"}) {
    EXPECT_EQ(require_ok(env_.files().stat(path_ + suffix)).mode, 0600u) << suffix;
  }
}

TEST_F(OpenTest, OpenFileOfOthersIsRestricted) {
  fill();
  require_ok(env_.files().set_mode(path_, 0644));

  require_ok(open());

  EXPECT_EQ(require_ok(env_.files().stat(path_)).mode, 0600u);
}

TEST_F(OpenTest, CloseLeavesAllDataInTheOneFile) {
  fill();
  EXPECT_EQ(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 0u);

  require_ok(env_.files().remove(path_ + "-wal"));

  EXPECT_THAT(names(*require_ok(open())), ElementsAre("item 0", "item 1", "item 2"));
}

TEST_F(OpenTest, PragmasAreThosePromised) {
  const auto db = require_ok(open());
  const auto value = [&](const char* sql) {
    return require_ok(db->write([&](Transaction& tx) -> Result<std::string> {
      std::string found;
      MC_TRY(tx.query(sql, [&](Row& row) -> Result<void> {
        found = row.text(0);
        return {};
      }));
      return found;
    }));
  };

  EXPECT_EQ(value("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(value("PRAGMA synchronous"), "2");
  EXPECT_EQ(value("PRAGMA foreign_keys"), "1");
  EXPECT_EQ(value("PRAGMA trusted_schema"), "0");
  EXPECT_EQ(value("PRAGMA busy_timeout"), "5000");
  EXPECT_EQ(value("PRAGMA wal_autocheckpoint"), "0");
}

TEST_F(OpenTest, CheckFindsABrokenReferenceAndAFlippedPage) {
  fill(2000);
  {
    const auto db = require_ok(open());
    EXPECT_THAT(db->check(), ok());
  }
  raw("INSERT INTO parts VALUES(99999, '')");
  EXPECT_THAT(require_ok(open())->check(), failed_saying(Code::kDataLoss, "row 1 of parts"));

  std::string bytes = bytes_of(path_);
  std::fill(bytes.begin() + 5 * 4096, bytes.begin() + 6 * 4096, '\x5a');
  dir_.write("test.db", bytes);
  EXPECT_THAT(require_ok(open())->check(), failed_saying(Code::kDataLoss, "snapshot"));
}

}  // namespace
}  // namespace dsl::db
