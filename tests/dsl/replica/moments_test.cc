// Random histories, restored to random moments, by us and by a plain sqlite3 shell.
#include <fstream>

#include "dsl/db/sqlite_shell.h"
#include "dsl/hash/sha256.h"
#include "replica_test_base.h"
#include "support/seeded_random.h"

namespace dsl::replica {
namespace {

using db::SqliteShell;
using test::ok;
using test::require_ok;

const std::vector<db::Migration> kManyTables = {
    {1, "initial",
     "CREATE TABLE zones(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
     "CREATE TABLE records(id INTEGER PRIMARY KEY, zone INTEGER NOT NULL REFERENCES zones(id)"
     "  ON DELETE CASCADE, data BLOB);"
     "CREATE INDEX records_by_zone ON records(zone, data);"
     "CREATE TABLE settings(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"}};

class MomentsTest : public ReplicaTest {
 protected:
  // A commit of the history.
  struct Moment {
    env::WallTime time{};
    std::string digest;  // of all rows
  };

  db::Options many_tables() {
    db::Options all = options();
    all.migrations = kManyTables;
    return all;
  }

  static std::string digest(db::Database& db) {
    Sha256 hash;
    require_ok(db.read([&](db::Transaction& tx) -> Result<void> {
      for (const char* sql :
           {"SELECT id || quote(name) FROM zones ORDER BY id",
            "SELECT id || '/' || zone || quote(data) FROM records ORDER BY id",
            "SELECT quote(key) || quote(value) FROM settings ORDER BY key",
            "SELECT type || name || quote(sql) FROM sqlite_schema ORDER BY type, name"}) {
        MC_TRY(tx.query(sql, [&](db::Row& row) -> Result<void> {
          const std::string line = row.text(0) + "\n";
          hash.add(std::as_bytes(std::span(line)));
          return {};
        }));
      }
      return {};
    }));
    return hash.finish();
  }
  std::string digest_of(const std::string& path) {
    const auto db = require_ok(db::Database::open(env_, path, {.migrations = kManyTables}));
    EXPECT_THAT(db->check(), ok());
    return digest(*db);
  }

  void change_at_random(db::Database& db) {
    EXPECT_THAT(db.write([&](db::Transaction& tx) { return change(tx); }), ok());
  }

  Result<void> change(db::Transaction& tx) {
    switch (random_.below(8)) {
      case 0:
      case 1:
        return tx.run("INSERT INTO zones(name) VALUES(hex(randomblob(8)))");
      case 2:  // many rows
        return tx.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO records(zone, data) SELECT z.id, randomblob(60) FROM n, zones z",
            static_cast<std::int64_t>(random_.below(20)));
      case 3:  // one large one
        return tx.run(
            "INSERT INTO records(zone, data) SELECT max(id), randomblob(?) FROM zones"
            " HAVING count(*) > 0",
            static_cast<std::int64_t>(random_.below(300'000)));
      case 4:
        return tx.run("DELETE FROM zones WHERE id % 7 = ?",
                      static_cast<std::int64_t>(random_.below(7)));
      case 5:
        return tx.run("DELETE FROM records WHERE length(data) > ?",
                      static_cast<std::int64_t>(random_.below(100'000)));
      case 6:
        return tx.run("UPDATE records SET data = randomblob(80) WHERE id % 3 = 0");
      default:
        return tx.run("INSERT OR REPLACE INTO settings VALUES('key' || ?, randomblob(12))",
                      static_cast<std::int64_t>(random_.below(5)));
    }
  }

  void vacuum() {
    SqliteShell shell(path_);
    EXPECT_EQ(shell.ask(".timeout 5000\nvacuum;"), "");
    shell.kill();  // its end must not checkpoint
  }

  // Writes, checkpoints, restarts and vacuums; notes every commit.
  std::vector<Moment> live(int steps, bool may_vacuum) {
    std::vector<Moment> moments;
    auto db = require_ok(db::Database::open(env_, path_, many_tables()));
    expect_replicated(*db);
    for (int step = 0; step < steps; ++step) {
      switch (random_.below(20)) {
        case 0:
          (void)db->checkpoint();  // not now, perhaps
          break;
        case 1:
          db.reset();
          db = require_ok(db::Database::open(env_, path_, many_tables()));
          break;
        case 2:
          if (may_vacuum) {
            vacuum();
          }
          break;
        default:
          change_at_random(*db);
      }
      moments.push_back({.time = env_.clock().now(), .digest = digest(*db)});
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // each has a time of its own
    }
    expect_replicated(*db);
    return moments;
  }

  // What a restore to `at` takes.
  std::pair<Chain, Position> at(env::WallTime time) {
    const auto store = mirror();
    std::optional<std::pair<Chain, Position>> found;
    for (const EpochSummary& epoch : require_ok(list_epochs(*store))) {
      Chain chain = require_ok(read_chain(*store, epoch, identities_));
      EXPECT_FALSE(chain.broken) << chain.broken->to_text();
      const auto newest = chain.newest(time);
      if (newest && (!found || newest->time >= found->second.time)) {
        found.emplace(std::move(chain), *newest);
      }
    }
    return *found;
  }

  void expect_every_moment(const std::vector<Moment>& moments, int count) {
    const auto store = mirror();
    for (int i = 0; i < count; ++i) {
      const auto which = static_cast<std::size_t>(random_.below(moments.size()));
      SCOPED_TRACE(which);
      const auto [chain, position] = at(moments[which].time);
      const std::string copy = dir_.file("restored-" + env_.random().hex(4) + ".db");
      EXPECT_THAT(rebuild(*store, chain, position, identities_, env_.files(), copy), ok());
      EXPECT_EQ(digest_of(copy), moments[which].digest) << position.to_text();
    }
  }

  // Replays with the shell, by the script that comes with the files.
  std::string replayed(const Chain& chain, const Position& until) {
    const std::string folder = dir_.file("exported-" + env_.random().hex(4));
    const auto store = mirror();
    const auto exported = export_log(*store, chain, until, identities_, env_.files(), folder);
    EXPECT_THAT(exported, ok());
    const std::string out = folder + "/out";
    EXPECT_EQ(std::system(text("sh '{}/replay.sh' > '{}' 2>&1", folder, out).c_str()), 0);
    EXPECT_EQ(require_ok(env_.files().read_file(out, 1u << 20)), "ok\n");
    return digest_of(folder + "/" + chain.base.database);
  }

  test::SeededRandom random_;
};

// HOUSE-A19: Restored to ten random moments, each database equals its reference at that commit.
TEST_F(MomentsTest, TenRandomMomentsEqualTheirReference) {
  expect_every_moment(live(120, false), 10);
}

TEST_F(MomentsTest, MomentsOfADatabaseThatIsVacuumedEqualTheirReference) {
  expect_every_moment(live(60, true), 10);
}

TEST_F(MomentsTest, MomentsOfEveryPageSizeEqualTheirReference) {
  for (const int page_bytes : {512, 1024, 2048, 8192, 16384, 32768, 65536}) {
    SCOPED_TRACE(page_bytes);
    for (const std::string& file : {path_, path_ + "-wal", path_ + "-shm"}) {
      (void)env_.files().remove(file);  // of the round before
    }
    {
      SqliteShell shell(path_);
      EXPECT_EQ(
          shell.ask(text("pragma page_size={}; create table t(x); drop table t;", page_bytes)), "");
      shell.quit();
    }
    expect_every_moment(live(20, false), 3);
    EXPECT_EQ(chain().base.page_bytes, static_cast<std::uint32_t>(page_bytes));
  }
}

TEST_F(MomentsTest, BeforeTheFirstCopyThereIsNothing) {
  const auto moments = live(3, false);

  EXPECT_FALSE(chain().newest(moments.front().time - std::chrono::hours(1)));
}

// HOUSE-A20: Segments exported as base and log replay with the plain sqlite3 shell to the same.
TEST_F(MomentsTest, ExportedLogReplaysWithThePlainShell) {
  const auto moments = live(100, false);

  for (int i = 0; i < 5; ++i) {
    const auto which =
        i == 0 ? moments.size() - 1 : static_cast<std::size_t>(random_.below(moments.size()));
    SCOPED_TRACE(which);
    const auto [chain, position] = at(moments[which].time);
    EXPECT_EQ(replayed(chain, position), moments[which].digest) << position.to_text();
  }
}

TEST_F(MomentsTest, ExportedLogHasTheNameOfItsDatabaseWhateverThatIs) {
  const std::string odd = dir_.file("it's -a $HOME `db`.db");
  {
    const auto db = require_ok(db::Database::open(env_, odd, many_tables()));
    change_at_random(*db);
    expect_replicated(*db);
    change_at_random(*db);
    expect_replicated(*db);
  }
  const auto store = directory_store(env_, mirror_ + "/it's -a $HOME `db`.db");
  const auto found =
      require_ok(read_chain(*store, require_ok(list_epochs(*store)).back(), identities_));
  const std::string folder = dir_.file("exported");
  require_ok(export_log(*store, found, *found.newest({}), identities_, env_.files(), folder));

  EXPECT_EQ(std::system(text("sh '{}/replay.sh' > /dev/null", folder).c_str()), 0);
  EXPECT_EQ(digest_of(folder + "/it's -a $HOME `db`.db"), digest_of(odd));
}

}  // namespace
}  // namespace dsl::replica
