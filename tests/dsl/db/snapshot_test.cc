#include <atomic>
#include <thread>

#include "dsl/db/db_test_base.h"
#include "dsl/hash/sha256.h"

namespace dsl::db {
namespace {

using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;

class SnapshotTest : public DatabaseTest {
 protected:
  const std::unique_ptr<Database> db_ = require_ok(open());
  const std::string copy_ = dir_.file("copy.db");

  std::unique_ptr<Database> opened_copy() {
    return require_ok(Database::open(env_, copy_, {.migrations = kMigrations}));
  }
};

TEST_F(SnapshotTest, ExistingDestinationIsRefusedAndUntouched) {
  dir_.write("copy.db", "precious");

  EXPECT_THAT(db_->snapshot(copy_), failed_saying(Code::kAlreadyExists, copy_));

  EXPECT_EQ(dir_.read("copy.db"), "precious");
}

TEST_F(SnapshotTest, MissingFolderIsRefused) {
  EXPECT_THAT(db_->snapshot(dir_.file("no/copy.db")), failed_with(Code::kNotFound));
}

TEST_F(SnapshotTest, FailureLeavesNoFile) {
  test::MemoryFileSystem nowhere;  // has no folder of that name
  const std::vector<std::string> before = require_ok(env_.files().list(dir_.path()));
  env_.use_files(nowhere);

  EXPECT_FALSE(db_->snapshot(copy_));

  env_.use_real_files();
  EXPECT_EQ(require_ok(env_.files().list(dir_.path())), before);
}

TEST_F(SnapshotTest, HasEqualContentAndSaysWhatItIs) {
  require_ok(add(*db_, "one"));
  require_ok(add(*db_, "two"));

  const SnapshotReport report = require_ok(db_->snapshot(copy_));

  const std::string bytes = bytes_of(copy_);
  EXPECT_EQ(report.sha256, sha256_hex(bytes));
  EXPECT_EQ(report.size_bytes, bytes.size());
  EXPECT_EQ(report.rows, 2 + 2) << "two items and two migrations";
  EXPECT_EQ(require_ok(env_.files().stat(copy_)).mode, 0600u);
  EXPECT_THAT(names(*opened_copy()), ElementsAre("one", "two"));
}

TEST_F(SnapshotTest, IsOneFileWithoutCompanions) {
  require_ok(add(*db_, "one"));

  require_ok(db_->snapshot(copy_));

  EXPECT_THAT(require_ok(env_.files().list(dir_.path())),
              ElementsAre("copy.db", "test.db", "test.db-shm", "test.db-wal"));
}

TEST_F(SnapshotTest, TablesOfAnyNameAreCompared) {
  require_ok(db_->write([](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run(R"(CREATE TABLE "a ""quoted"" name"(x))"));
    return tx.run(R"(INSERT INTO "a ""quoted"" name" VALUES(1))");
  }));

  EXPECT_EQ(require_ok(db_->snapshot(copy_)).rows, 1 + 2);
}

TEST_F(SnapshotTest, UnderASteadyWriterIsOneStateAndTheWriterGoesOn) {
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      require_ok(db_->write([&](Transaction& tx) -> Result<void> {
        MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)", text("{} left", i)));
        return tx.run("INSERT INTO items(name) VALUES(?)", text("{} right", i));
      }));
      ++written;
    }
  });
  std::vector<std::int64_t> rows;

  for (int i = 0; i < 10; ++i) {
    const int before = written;
    while (written == before) {
      std::this_thread::yield();
    }
    const std::string copy = dir_.file("copy" + std::to_string(i));
    rows.push_back(require_ok(db_->snapshot(copy)).rows - 2);
    const auto opened = require_ok(Database::open(env_, copy, {.migrations = kMigrations}));
    EXPECT_EQ(static_cast<std::int64_t>(names(*opened).size()), rows.back());
    EXPECT_THAT(opened->check(), ok());
  }

  stop = true;
  writer.join();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i] % 2, 0) << "a pair is never copied half";
    EXPECT_TRUE(i == 0 || rows[i] > rows[i - 1]);
  }
}

}  // namespace
}  // namespace dsl::db
