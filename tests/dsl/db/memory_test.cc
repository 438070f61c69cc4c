// A database in memory: the rows of a file, without one.
#include "dsl/db/db_test_base.h"

namespace dsl::db {
namespace {

using test::failed_with;
using test::ok;
using test::require_ok;
using testing::ElementsAre;

class MemoryDatabaseTest : public DatabaseTest {
 protected:
  const std::unique_ptr<Database> db_ = require_ok(Database::in_memory(env_, kMigrations));
};

TEST_F(MemoryDatabaseTest, HasTheSchemaOfAFile) {
  EXPECT_EQ(db_->schema_version(), 2);
  ASSERT_THAT(add(*db_, "one"), ok());

  EXPECT_THAT(names(*db_), ElementsAre("one"));
}

TEST_F(MemoryDatabaseTest, AnErrorTakesTheWriteBack) {
  const Result<void> done = db_->write([](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("INSERT INTO items(name) VALUES('gone')"));
    return fail(Code::kConflict, "no");
  });
  EXPECT_THAT(done, failed_with(Code::kConflict));
  EXPECT_THAT(add(*db_, "one"), ok());
  EXPECT_THAT(add(*db_, "one"), failed_with(Code::kConflict));

  EXPECT_THAT(names(*db_), ElementsAre("one"));
}

TEST_F(MemoryDatabaseTest, AReaderChangesNothing) {
  (void)db_->read([](Transaction& tx) { return tx.run("INSERT INTO items(name) VALUES('x')"); });

  EXPECT_THAT(names(*db_), ElementsAre());
}

TEST_F(MemoryDatabaseTest, IsNoFileToBeCopied) {
  EXPECT_THAT(db_->snapshot(dir_.file("copy.db")), failed_with(Code::kFailedPrecondition));
}

}  // namespace
}  // namespace dsl::db
