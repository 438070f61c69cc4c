#include <csignal>
#include <stdexcept>

#include <sqlite3.h>
#include <sys/resource.h>

#include "dsl/db/db_test_base.h"

namespace dsl::db {
namespace {

using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TransactionTest : public DatabaseTest {
 protected:
  const std::unique_ptr<Database> db_ = require_ok(open());
};

TEST_F(TransactionTest, WrongSqlNamesTheStatement) {
  const auto result = db_->write([](Transaction& tx) { return tx.run("INSERT INTO nowhere"); });

  EXPECT_THAT(result, failed_saying(Code::kInternal, "INSERT INTO nowhere"));
  EXPECT_THAT(db_->write([](Transaction& tx) { return tx.run("SELECT 1; SELECT 2"); }),
              failed_saying(Code::kInternal, "not one SQL statement"));
  EXPECT_THAT(db_->write([](Transaction& tx) { return tx.run("  "); }),
              failed_with(Code::kInternal));
}

TEST_F(TransactionTest, ViolatedConstraintIsAConflictWithAHint) {
  require_ok(add(*db_, "one"));

  EXPECT_THAT(add(*db_, "one"), failed_saying(Code::kConflict, "exists already"));
  EXPECT_THAT(
      db_->write([](Transaction& tx) { return tx.run("INSERT INTO parts(item) VALUES(?)", 99); }),
      failed_saying(Code::kConflict, "refers to"));
  EXPECT_THAT(db_->write([](Transaction& tx) {
    return tx.run("INSERT INTO items(name) VALUES(?)", std::nullopt);
  }),
              failed_saying(Code::kConflict, "must have a value"));
}

TEST_F(TransactionTest, ErrorOfTheCallbackRollsItsWorkBack) {
  const auto result = db_->write([](Transaction& tx) -> Result<int> {
    MC_TRY(tx.run("INSERT INTO items(name) VALUES('lost')"));
    return fail(Code::kPermissionDenied, "not you").hint("ask").id("MCP-0001");
  });

  EXPECT_THAT(result,
              failed_saying(Code::kPermissionDenied, "error[MCP-0001]: not you\nhint: ask"));
  EXPECT_THAT(names(*db_), IsEmpty());
}

TEST_F(TransactionTest, ThrowingCallbackIsAnInternalErrorAndRolledBack) {
  const auto written = db_->write([](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("INSERT INTO items(name) VALUES('lost')"));
    throw std::runtime_error("boom");
  });
  const auto read = db_->read([](Transaction&) -> Result<int> { throw 7; });

  EXPECT_THAT(written, failed_saying(Code::kInternal, "boom"));
  EXPECT_THAT(read, failed_with(Code::kInternal));
  EXPECT_THAT(names(*db_), IsEmpty());
  EXPECT_THAT(add(*db_, "next"), ok()) << "the writer goes on";
}

TEST_F(TransactionTest, ReaderCannotWrite) {
  const auto result = db_->read([](Transaction& tx) -> Result<void> {
    return tx.run("INSERT INTO items(name) VALUES('x')");
  });

  EXPECT_THAT(result, failed_saying(Code::kPermissionDenied, "check owner and mode"));
}

TEST_F(TransactionTest, CallbackThatEndsTheTransactionIsRefused) {
  EXPECT_FALSE(db_->write([](Transaction& tx) { return tx.run("COMMIT"); }));

  EXPECT_THAT(add(*db_, "next"), ok());
}

TEST_F(TransactionTest, EveryTypeComesBackAsItWentIn) {
  const std::string text("with\0zero", 9);
  const std::string bytes("\xff\0\x01", 3);
  const env::WallTime time(std::chrono::milliseconds(1775205900042));
  const std::optional<std::string> nothing;

  const auto result = db_->write([&](Transaction& tx) -> Result<void> {
    return tx.query(
        "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?",
        [&](Row& row) -> Result<void> {
          EXPECT_EQ(row.integer(0), INT64_MIN);
          EXPECT_EQ(row.number(1), 0.1);
          EXPECT_EQ(row.text(2), text);
          EXPECT_EQ(row.time(3), time);
          EXPECT_TRUE(row.boolean(4));
          EXPECT_TRUE(row.is_null(5));
          EXPECT_EQ(row.optional_text(5), std::nullopt);
          EXPECT_EQ(row.optional_integer(6), 7);
          const Blob blob = row.blob(7);
          EXPECT_EQ(std::string(reinterpret_cast<const char*>(blob.data()), blob.size()), bytes);
          EXPECT_FALSE(row.is_null(8)) << "an empty view is not NULL";
          EXPECT_EQ(row.text(5), "");
          EXPECT_EQ(row.integer(5), 0);
          return {};
        },
        INT64_MIN, 0.1, text, time, true, nothing, std::optional<int>(7),
        Blob(std::as_bytes(std::span(bytes))), std::string_view());
  });

  EXPECT_THAT(result, ok());
}

TEST_F(TransactionTest, StatementMayRunInsideItself) {
  require_ok(add(*db_, "one"));
  require_ok(add(*db_, "two"));
  constexpr const char* kSql = "SELECT name FROM items ORDER BY id";
  std::string seen;

  const auto result = db_->read([&](Transaction& tx) -> Result<void> {
    return tx.query(kSql, [&](Row& outer) -> Result<void> {
      return tx.query(kSql, [&](Row& inner) -> Result<void> {
        seen += outer.text(0) + "/" + inner.text(0) + " ";
        return {};
      });
    });
  });

  EXPECT_THAT(result, ok());
  EXPECT_EQ(seen, "one/one one/two two/one two/two ");
}

TEST_F(TransactionTest, OneStatementCanBeReadByItself) {
  for (const char* name : {"one", "two", "three"}) {
    require_ok(add(*db_, name));
  }
  std::vector<std::string> found;
  const auto collect = [&](Row& row) -> Result<void> {
    found.push_back(row.text(0));
    return {};
  };

  EXPECT_THAT(db_->query("SELECT name FROM items WHERE name <> ? ORDER BY name", collect, "two"),
              ok());

  EXPECT_THAT(found, ElementsAre("one", "three"));
  EXPECT_THAT(db_->query("SELECT name FROM items",
                         [](Row&) -> Result<void> { return fail(Code::kDataLoss, "not so"); }),
              failed_with(Code::kDataLoss));
  EXPECT_THAT(db_->query("SELECT name FROM items",
                         [](Row&) -> Result<void> { throw std::runtime_error("of the row"); }),
              failed_saying(Code::kInternal, "of the row"));
  EXPECT_THAT(db_->query("INSERT INTO items(name) VALUES('four')", collect),
              failed_with(Code::kPermissionDenied));
  // None of them left its connection in a transaction, which would not see what comes.
  require_ok(add(*db_, "five"));
  found.clear();
  EXPECT_THAT(db_->query("SELECT name FROM items WHERE name = 'five'", collect), ok());
  EXPECT_THAT(found, ElementsAre("five"));
}

TEST_F(TransactionTest, PreparedStatementCanRunAgain) {
  const auto result = db_->write([](Transaction& tx) -> Result<void> {
    Statement insert = tx.prepare("INSERT INTO items(name) VALUES(?)");
    for (const char* name : {"a", "b", "c"}) {
      insert.bind_all(name);
      MC_TRY(insert.run());
      EXPECT_EQ(tx.changes(), 1);
    }
    EXPECT_EQ(tx.last_insert_id(), 3);
    return {};
  });

  EXPECT_THAT(result, ok());
  EXPECT_THAT(names(*db_), ElementsAre("a", "b", "c"));
}

TEST_F(TransactionTest, FailedStatementOfAJobCanBeRecoveredInside) {
  require_ok(add(*db_, "one"));

  const auto result = db_->write([](Transaction& tx) -> Result<std::string> {
    if (!tx.run("INSERT INTO items(name) VALUES('one')")) {
      MC_TRY(tx.run("INSERT INTO items(name) VALUES('other')"));
    }
    return "done";
  });

  EXPECT_EQ(require_ok(result), "done");
  EXPECT_THAT(names(*db_), ElementsAre("one", "other"));
}

TEST_F(TransactionTest, DatabaseLockedByAnotherIsUnavailableAndRecovers) {
  // The 5 s that are promised would only make the test slow.
  require_ok(db_->write([](Transaction& tx) { return tx.run("PRAGMA busy_timeout=1"); }));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);

  EXPECT_THAT(add(*db_, "one"), failed_saying(Code::kUnavailable, "fuser -v " + path_));

  ASSERT_EQ(sqlite3_close(other), SQLITE_OK);
  EXPECT_THAT(add(*db_, "one"), ok());
}

TEST_F(TransactionTest, FullDatabaseIsNoSpaceAndRecovers) {
  const std::string large(1 << 20, 'x');
  require_ok(db_->write([](Transaction& tx) { return tx.run("PRAGMA max_page_count=20"); }));

  EXPECT_THAT(add(*db_, large), failed_saying(Code::kNoSpace, "free space on the file system"));

  EXPECT_THAT(names(*db_), IsEmpty()) << "reads go on";
  require_ok(db_->write([](Transaction& tx) { return tx.run("PRAGMA max_page_count=100000"); }));
  EXPECT_THAT(add(*db_, large), ok());
}

TEST_F(TransactionTest, WriteRefusedByTheSystemIsNoSpaceAndRecovers) {
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit small{256 << 10, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string large(1 << 20, 'x');

  const auto refused = add(*db_, large);

  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  (void)std::signal(SIGXFSZ, before);
  EXPECT_THAT(refused, failed_with(Code::kNoSpace));
  EXPECT_THAT(names(*db_), IsEmpty());
  EXPECT_THAT(add(*db_, large), ok());
  EXPECT_THAT(db_->check(), ok());
}

using TransactionDeathTest = TransactionTest;

TEST_F(TransactionDeathTest, WrongCountOfValuesIsOurOwnMistake) {
  EXPECT_DEATH((void)db_->read([](Transaction& tx) { return tx.run("SELECT ?, ?", 1); }),
               "every placeholder of the statement is bound");
}

}  // namespace
}  // namespace dsl::db
