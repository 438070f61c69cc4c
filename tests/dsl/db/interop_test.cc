// Our connections and a plain `sqlite3` shell on the same database at the same time.
#include <atomic>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>

#include "dsl/db/connection.h"
#include "dsl/db/db_test_base.h"
#include "dsl/db/sqlite_shell.h"

namespace dsl::db {
namespace {

using test::failed_saying;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InteropTest : public DatabaseTest {
 protected:
  std::unique_ptr<Connection> connect(const std::string& path) {
    return require_ok(Connection::open(env_, path, Access::kReadWrite));
  }

  // In a process of its own; `work` ends by killing it, with everything open.
  template <class Work>
  static void run_and_die(Work&& work) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      work();
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
};

TEST_F(InteropTest, EachSeesAtOnceWhatTheOtherCommitted) {
  const auto db = require_ok(open());
  SqliteShell shell(path_);

  require_ok(add(*db, "ours"));
  EXPECT_EQ(shell.ask("SELECT name FROM items;"), "ours");

  EXPECT_EQ(shell.ask("INSERT INTO items(name) VALUES('theirs');"), "");
  EXPECT_THAT(names(*db), ElementsAre("ours", "theirs"));

  require_ok(db->checkpoint());
  require_ok(add(*db, "after a checkpoint of ours"));
  EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "3");
  EXPECT_EQ(shell.ask("PRAGMA wal_checkpoint(TRUNCATE);"), "0|0|0");
  EXPECT_EQ(shell.ask("INSERT INTO items(name) VALUES('after one of theirs');"), "");
  EXPECT_EQ(names(*db).size(), 4u);
  EXPECT_THAT(db->check(), ok());
}

TEST_F(InteropTest, OurTransactionLocksTheShellOut) {
  const auto db = require_ok(open());
  SqliteShell shell(path_);

  require_ok(db->write([&](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("INSERT INTO items(name) VALUES('ours')"));
    EXPECT_THAT(shell.ask("INSERT INTO items(name) VALUES('theirs');"),
                HasSubstr("database is locked"));
    EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "0") << "it may read meanwhile";
    return {};
  }));

  EXPECT_EQ(shell.ask("INSERT INTO items(name) VALUES('theirs');"), "");
  EXPECT_THAT(names(*db), ElementsAre("ours", "theirs"));
}

TEST_F(InteropTest, TransactionOfTheShellLocksUsOut) {
  const auto db = require_ok(open());
  require_ok(db->write([](Transaction& tx) { return tx.run("PRAGMA busy_timeout=1"); }));
  SqliteShell shell(path_);

  EXPECT_EQ(shell.ask("BEGIN IMMEDIATE; INSERT INTO items(name) VALUES('theirs');"), "");
  EXPECT_THAT(add(*db, "ours"), failed_saying(Code::kUnavailable, "fuser -v " + path_));
  EXPECT_EQ(names(*db).size(), 0u) << "we may read meanwhile";

  EXPECT_EQ(shell.ask("COMMIT;"), "");
  EXPECT_THAT(add(*db, "ours"), ok());
  EXPECT_THAT(names(*db), ElementsAre("theirs", "ours"));
}

TEST_F(InteropTest, WeWaitForTheShellAndItWaitsForUs) {
  const auto db = require_ok(open());
  SqliteShell shell(path_);
  EXPECT_EQ(shell.ask("BEGIN IMMEDIATE;"), "");

  std::thread writer([&] { EXPECT_THAT(add(*db, "ours"), ok()); });
  EXPECT_EQ(shell.ask("INSERT INTO items(name) VALUES('theirs'); COMMIT;"), "");
  writer.join();

  EXPECT_EQ(shell.ask(".timeout 5000"), "");
  require_ok(db->write([&](Transaction& tx) -> Result<void> {
    shell.send("INSERT INTO items(name) VALUES('theirs again');");
    return tx.run("INSERT INTO items(name) VALUES('ours again')");
  }));
  EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "4");
}

// Money moves between accounts from all sides; the sum of all accounts never changes.
TEST_F(InteropTest, LedgerOfManyWritersAlwaysAddsUp) {
  constexpr int kShells = 2;
  constexpr int kTransfers = 150;
  const test::TempDir folder(test::TempDir::Where::kMemory);
  const std::string path = folder.file("ledger.db");
  const std::vector<Migration> migrations = {
      {1, "initial",
       "CREATE TABLE accounts(id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);"
       "CREATE TABLE transfers(who TEXT NOT NULL);"
       "INSERT INTO accounts VALUES(0, 1000), (1, 1000), (2, 1000), (3, 1000)"}};
  const auto db = require_ok(Database::open(env_, path, {.migrations = migrations}));
  const auto transfer = [](int i, std::string_view who) {
    return text(
        "UPDATE accounts SET amount = amount - {} WHERE id = {};"
        "UPDATE accounts SET amount = amount + {} WHERE id = {};"
        "INSERT INTO transfers VALUES('{}');",
        i % 7, i % 4, i % 7, (i + 1) % 4, who);
  };
  const auto sum = [](Transaction& tx) -> Result<std::int64_t> {
    std::int64_t total = 0;
    MC_TRY(tx.query("SELECT sum(amount) FROM accounts", [&](Row& row) -> Result<void> {
      total = row.integer(0);
      return {};
    }));
    return total;
  };

  std::atomic<int> running = kShells + 1;
  std::vector<std::thread> threads;
  for (int n = 0; n < kShells; ++n) {
    threads.emplace_back([&] {
      SqliteShell shell(path);
      // With checkpoints of its own, much more often than by default.
      EXPECT_EQ(shell.ask(".timeout 20000\nPRAGMA wal_autocheckpoint=20;"), "20");
      for (int i = 0; i < kTransfers; ++i) {
        EXPECT_EQ(shell.ask(text("BEGIN IMMEDIATE; {} COMMIT;", transfer(i, "shell"))), "");
        EXPECT_EQ(shell.ask("SELECT sum(amount) FROM accounts;"), "4000");
      }
      shell.quit();
      --running;
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < kTransfers; ++i) {
      EXPECT_THAT(db->write([&](Transaction& tx) -> Result<void> {
        MC_TRY(tx.run("UPDATE accounts SET amount = amount - ? WHERE id = ?", i % 5, i % 4));
        MC_TRY(tx.run("UPDATE accounts SET amount = amount + ? WHERE id = ?", i % 5, (i + 2) % 4));
        return tx.run("INSERT INTO transfers VALUES('ours')");
      }),
                  ok());
      if (i % 30 == 29) {
        (void)db->checkpoint();  // a reader elsewhere may be in the way
      }
    }
    --running;
  });
  while (running > 0) {
    EXPECT_EQ(require_ok(db->read(sum)), 4000);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  SqliteShell shell(path);
  EXPECT_EQ(shell.ask("SELECT sum(amount) FROM accounts;"), "4000");
  EXPECT_EQ(shell.ask("SELECT who, count(*) FROM transfers GROUP BY who ORDER BY who;"),
            text("ours|{}\nshell|{}", kTransfers, kShells * kTransfers));
  EXPECT_EQ(shell.ask("PRAGMA integrity_check;"), "ok");
}

TEST_F(InteropTest, WeRecoverTheLogOfAKilledShell) {
  require_ok(open());
  {
    SqliteShell shell(path_);
    EXPECT_EQ(shell.ask("PRAGMA wal_autocheckpoint=0; INSERT INTO items(name) VALUES('kept');"),
              "0");
    EXPECT_EQ(shell.ask("PRAGMA cache_size=2; BEGIN;"
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
                        " i < 500) INSERT INTO items(name) SELECT 'lost ' || i || hex(zeroblob(99))"
                        " FROM n;"),
              "");
    shell.kill();
  }
  ASSERT_GT(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 50'000u);

  const auto db = require_ok(open());

  EXPECT_THAT(names(*db), ElementsAre("kept"));
  EXPECT_THAT(db->check(), ok());
}

TEST_F(InteropTest, ShellRecoversTheLogOfOurKilledProcess) {
  run_and_die([&] {
    const auto db = require_ok(open());
    require_ok(add(*db, "kept"));
    require_ok(db->write([](Transaction& tx) -> Result<void> {
      MC_TRY(tx.run("PRAGMA cache_size=2"));
      for (int i = 0; i < 500; ++i) {
        MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)",
                      text("lost {} {}", i, std::string(200, 'x'))));
      }
      ::raise(SIGKILL);
      return {};
    }));
  });
  ASSERT_GT(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 50'000u);

  SqliteShell shell(path_);

  EXPECT_EQ(shell.ask("SELECT name FROM items;"), "kept");
  EXPECT_EQ(shell.ask("PRAGMA integrity_check;"), "ok");
  const auto db = require_ok(open());
  EXPECT_THAT(names(*db), ElementsAre("kept"));
}

TEST_F(InteropTest, IndexOfALogIsKeptWhileTheOtherLives) {
  const auto db = require_ok(open());
  require_ok(add(*db, "one"));
  {
    SqliteShell shell(path_);
    EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "1");
    shell.kill();
  }
  EXPECT_THAT(add(*db, "two"), ok());
  SqliteShell shell(path_);
  EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "2");
  require_ok(add(*db, "three"));
  EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "3");
}

TEST_F(InteropTest, ShellThatClosesWhileWeAreThereLeavesTheLog) {
  run_and_die([&] {
    const auto db = require_ok(open());
    require_ok(add(*db, "one"));
    ::raise(SIGKILL);
  });
  ASSERT_GT(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 0u);
  const auto connection = connect(path_);
  EXPECT_EQ(require_ok(connection->integer("SELECT count(*) FROM items")), 1);

  SqliteShell shell(path_);
  EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "1");
  shell.quit();

  EXPECT_GT(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 0u);
  EXPECT_EQ(require_ok(connection->integer("SELECT count(*) FROM items")), 1);
}

// Trap: NO_CKPT_ON_CLOSE is of our connections only. A shell that is the last to close empties and
// removes the log, also when it only read: who ships the log must expect that.
TEST_F(InteropTest, ShellOnAStoppedServiceTakesTheLogAway) {
  run_and_die([&] {
    const auto db = require_ok(open());
    require_ok(add(*db, "one"));
    ::raise(SIGKILL);
  });

  ASSERT_GT(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 0u);
  connect(path_).reset();
  ASSERT_GT(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 0u) << "ours leaves it";

  SqliteShell shell(path_);
  EXPECT_EQ(shell.ask("SELECT count(*) FROM items;"), "1");
  shell.quit();

  EXPECT_FALSE(require_ok(env_.files().exists(path_ + "-wal")));
  EXPECT_THAT(names(*require_ok(open())), ElementsAre("one"));
}

TEST_F(InteropTest, KilledBehindALinkOpensAgain) {
  require_ok(env_.files().make_directories(dir_.file("elsewhere"), 0700));
  const std::string target = dir_.file("elsewhere/real.db");
  require_ok(env_.files().open(target, env::OpenMode::kCreateNew, 0600));
  ASSERT_EQ(::symlink(target.c_str(), path_.c_str()), 0);
  run_and_die([&] {
    const auto db = require_ok(open());
    for (int i = 0; i < 100; ++i) {
      require_ok(add(*db, std::to_string(i) + std::string(2000, 'x')));
    }
    ::raise(SIGKILL);
  });

  const auto db = open();

  ASSERT_THAT(db, ok());
  EXPECT_EQ(names(**db).size(), 100u);
}

// Without a log: the locks on the database itself.
TEST_F(InteropTest, RollbackJournalExcludesAcrossBoth) {
  require_ok(env_.files().open(path_, env::OpenMode::kCreateNew, 0600));
  const auto ours = connect(path_);
  require_ok(ours->execute("PRAGMA busy_timeout=0; CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  SqliteShell shell(path_);
  const std::string locked = "database is locked";

  require_ok(ours->execute("BEGIN IMMEDIATE; UPDATE t SET x = 2"));
  EXPECT_EQ(shell.ask("SELECT x FROM t;"), "1");
  EXPECT_THAT(shell.ask("UPDATE t SET x = 3;"), HasSubstr(locked));
  EXPECT_EQ(shell.ask("BEGIN; SELECT x FROM t;"), "1");
  EXPECT_FALSE(ours->execute("COMMIT")) << "the shell reads";
  SqliteShell late(path_);
  EXPECT_THAT(late.ask("SELECT x FROM t;"), HasSubstr(locked)) << "we wait for the last readers";
  EXPECT_EQ(shell.ask("COMMIT;"), "");
  require_ok(ours->execute("COMMIT"));
  EXPECT_EQ(late.ask("SELECT x FROM t;"), "2");

  EXPECT_EQ(shell.ask("BEGIN EXCLUSIVE; UPDATE t SET x = 4;"), "");
  EXPECT_FALSE(ours->integer("SELECT x FROM t"));
  EXPECT_EQ(shell.ask("COMMIT;"), "");
  EXPECT_EQ(require_ok(ours->integer("SELECT x FROM t")), 4);
}

TEST_F(InteropTest, HotJournalOfEitherIsRolledBackByTheOther) {
  const char* change = "PRAGMA cache_size=2; BEGIN; UPDATE t SET x = randomblob(100000);";
  require_ok(env_.files().open(path_, env::OpenMode::kCreateNew, 0600));
  require_ok(connect(path_)->execute("CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(100000))"));

  {
    SqliteShell shell(path_);
    EXPECT_EQ(shell.ask(change), "");
    shell.kill();
  }
  ASSERT_TRUE(require_ok(env_.files().exists(path_ + "-journal")));
  EXPECT_EQ(require_ok(connect(path_)->integer("SELECT x = zeroblob(100000) FROM t")), 1);
  EXPECT_FALSE(require_ok(env_.files().exists(path_ + "-journal")));

  run_and_die([&] {
    const auto connection = connect(path_);
    require_ok(connection->execute(change));
    ::raise(SIGKILL);
  });
  ASSERT_TRUE(require_ok(env_.files().exists(path_ + "-journal")));
  SqliteShell shell(path_);
  EXPECT_EQ(shell.ask("SELECT x = zeroblob(100000) FROM t;"), "1");
}

}  // namespace
}  // namespace dsl::db
