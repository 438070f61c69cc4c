// A power cut, and an error, at every change of every durable path of the database.
//
// A cut that keeps all data and names is what a `kill -9` leaves between two changes, or within a
// write; the others are what a disk may leave besides.
#include <cerrno>
#include <map>
#include <set>

#include "dsl/db/db_test_base.h"
#include "dsl/log/log.h"
#include "support/crash_points.h"

namespace dsl::db {
namespace {

using test::Crash;
using test::failed_with;
using test::MemoryFileSystem;
using test::ok;
using test::require_ok;
using ::testing::IsEmpty;

constexpr const char* kPath = "/srv/test.db";
constexpr const char* kCopy = "/srv/copy.db";
constexpr int kPairs = 3;

Result<void> add_pair(Database& db, int number) {
  return db.write([&](Transaction& tx) -> Result<void> {
    MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)", text("{} left", number)));
    // Larger than a page, so that the commit has several.
    return tx.run("INSERT INTO items(name) VALUES(?)",
                  text("{} right {}", number, std::string(6000, 'x')));
  });
}

class CrashTest : public ::testing::Test {
 protected:
  // A log that stays beside its database is told, a thousand times over.
  static void SetUpTestSuite() { log::start({.level = log::Level::kError}); }
  static void TearDownTestSuite() { log::stop(); }

  // A process on `files`. Each has random bytes of its own, as after a restart.
  struct Program {
    explicit Program(MemoryFileSystem& files, std::vector<Migration> migrations = kMigrations,
                     const char* path = kPath)
        : env(++programs_) {
      env.use_files(files);
      db = Database::open(env, path, {.migrations = std::move(migrations), .readers = 1});
    }

    test::TestEnv env;
    Result<std::unique_ptr<Database>> db = fail(Code::kInternal, "not opened");
  };
  static inline std::uint64_t programs_ = 0;

  // The numbers of the pairs that are there; none may be there half.
  static std::set<int> pairs(Database& db) {
    std::multiset<int> found;
    require_ok(db.read([&](Transaction& tx) {
      return tx.query("SELECT name FROM items", [&](Row& row) -> Result<void> {
        found.insert(std::stoi(row.text(0)));
        return {};
      });
    }));
    std::set<int> whole;
    for (const int number : found) {
      EXPECT_EQ(found.count(number), 2u) << "pair " << number << " is there half";
      whole.insert(number);
    }
    return whole;
  }

  static void make_folder(MemoryFileSystem& files) {
    require_ok(files.make_directories("/srv", 0700));
  }

  // How a program leaves a database with pairs 0, 1, 2.
  enum class Ended { kClosed, kKilled };
  using Files = std::map<std::string, std::string>;  // by path

  static Files left_by_program(const std::vector<Migration>& migrations, Ended ended) {
    MemoryFileSystem files;
    make_folder(files);
    {
      const Program program(files, migrations);
      for (int i = 0; i < kPairs; ++i) {
        require_ok(add_pair(**program.db, i));
      }
      if (ended == Ended::kKilled) {
        files.crash_after(0);
      }
    }
    files.restart({.data = Crash::Data::kKept, .names_kept = true});
    Files left;
    for (const std::string& name : require_ok(files.list("/srv"))) {
      // What is empty could as well not be there, and then its name is not durable either.
      if (std::string content = require_ok(files.read_file("/srv/" + name));
          !content.empty() && !name.ends_with("-shm")) {
        left["/srv/" + name] = std::move(content);
      }
    }
    return left;
  }

  static void put(MemoryFileSystem& files, const Files& left) {
    make_folder(files);
    for (const auto& [path, content] : left) {
      require_ok(files.write_file(path, content, 0600));
    }
  }

  static void make_database(MemoryFileSystem& files) {
    static const Files left = left_by_program(kMigrations, Ended::kClosed);
    put(files, left);
  }

  static void make_database_before_migration(MemoryFileSystem& files) {
    static const Files left = left_by_program({kMigrations[0]}, Ended::kClosed);
    put(files, left);
  }

  // All of it is in the log only.
  static void make_killed_database(MemoryFileSystem& files) {
    static const Files left = left_by_program(kMigrations, Ended::kKilled);
    ASSERT_FALSE(left.at(text("{}-wal", kPath)).empty());
    put(files, left);
  }

  // The database opens, is sound, takes writes, and has these pairs.
  static std::set<int> opened_pairs(MemoryFileSystem& files) {
    const Program program(files);
    EXPECT_THAT(program.db, ok());
    if (!program.db) {
      return {};
    }
    Database& db = **program.db;
    EXPECT_EQ(db.schema_version(), 2);
    EXPECT_THAT(db.check(), ok());
    std::set<int> found = pairs(db);
    EXPECT_THAT(add_pair(db, 1000), ok());
    return found;
  }
};

TEST_F(CrashTest, FirstOpenCanBeCutAnywhereAndBeginsAnew) {
  const test::CrashCase test_case{
      .prepare = make_folder,
      .work = [](auto& files) { const Program program(files); },
      .check = [](auto& files, bool) { EXPECT_THAT(opened_pairs(files), IsEmpty()); }};

  EXPECT_GT(test::at_every_crash_point(test_case), 6 * 30);
  EXPECT_GT(test::at_every_fault(EIO, test_case), 30);
  EXPECT_GT(test::at_every_fault(ENOSPC, test_case), 30);
}

// Writes pairs 10, 11, ... with checkpoints in between, and notes what was acknowledged.
class Writes {
 public:
  static constexpr int kFirst = 10;
  static constexpr int kEnd = 14;

  void run(Database& db) {
    acknowledged_.clear();
    for (int number = kFirst; number < kEnd; ++number) {
      if (add_pair(db, number)) {
        acknowledged_.insert(number);
      }
      if (number % 2 == 1) {
        (void)db.checkpoint();
      }
    }
  }

  // Whether all that was acknowledged is there, and nothing that was never written.
  void expect_in(std::set<int> found) const {
    for (int number = 0; number < kPairs; ++number) {
      EXPECT_EQ(found.erase(number), 1u) << number << " was there before";
    }
    for (const int number : acknowledged_) {
      EXPECT_TRUE(found.contains(number)) << number << " was acknowledged";
    }
    for (const int number : found) {
      EXPECT_TRUE(kFirst <= number && number < kEnd) << number;
    }
  }
  bool all_acknowledged() const { return acknowledged_.size() == kEnd - kFirst; }

 private:
  std::set<int> acknowledged_;
};

// HOUSE-A10: A kill or a power cut at every boundary of writes, commits and checkpoints loses no
// acknowledged row, and leaves no transaction half.
TEST_F(CrashTest, CutAnywhereInWritesAndCheckpointsLosesNoAcknowledgedRow) {
  Writes writes;

  const int cuts = test::at_every_crash_point({
      .prepare = make_database,
      .work =
          [&](auto& files) {
            writes = {};
            const Program program(files);
            if (program.db) {
              writes.run(**program.db);
            }
          },
      .check =
          [&](auto& files, bool finished) {
            writes.expect_in(opened_pairs(files));
            EXPECT_TRUE(!finished || writes.all_acknowledged());
          },
  });

  EXPECT_GT(cuts, 6 * 90);
}

TEST_F(CrashTest, ErrorAnywhereInWritesAndCheckpointsIsToldAndTheWriterGoesOn) {
  for (const int number : {EIO, ENOSPC}) {
    Writes writes;
    bool goes_on = false;

    const int runs = test::at_every_fault(
        number,
        {
            .prepare = make_database,
            .work =
                [&](auto& files) {
                  writes = {};
                  const Program program(files);
                  goes_on = !program.db;  // nothing to go on with
                  if (program.db) {
                    writes.run(**program.db);
                    goes_on = files.faults_left() > 0 || add_pair(**program.db, 15000).has_value();
                    (void)(*program.db)->write([](Transaction& tx) {
                      return tx.run("DELETE FROM items WHERE name LIKE '15000 %'");
                    });
                  }
                },
            .check =
                [&](auto& files, bool finished) {
                  EXPECT_TRUE(goes_on) << "after the error writes work again without a restart";
                  writes.expect_in(opened_pairs(files));
                  EXPECT_TRUE(!finished || writes.all_acknowledged());
                },
        });

    EXPECT_GT(runs, 90);
  }
}

TEST_F(CrashTest, CutAnywhereInTheRecoveryOfALogLosesNothing) {
  const test::CrashCase test_case{
      .prepare = make_killed_database,
      .work =
          [](auto& files) {
            const Program program(files);
            if (program.db) {
              (void)(*program.db)->checkpoint();
            }
          },
      .check = [](auto& files,
                  bool) { EXPECT_THAT(opened_pairs(files), ::testing::ElementsAre(0, 1, 2)); },
  };

  EXPECT_GT(test::at_every_crash_point(test_case), 6 * 5);
  EXPECT_GT(test::at_every_fault(EIO, test_case), 5);
  EXPECT_GT(test::at_every_fault(ENOSPC, test_case), 5);
}

TEST_F(CrashTest, SnapshotIsAbsentOrWhole) {
  const test::CrashCase test_case{
      .prepare = make_database,
      .work =
          [](auto& files) {
            const Program program(files);
            if (program.db) {
              (void)(*program.db)->snapshot(kCopy);
            }
          },
      .check =
          [](auto& files, bool finished) {
            const bool there = require_ok(files.exists(kCopy));
            EXPECT_TRUE(there || !finished);
            if (there) {
              EXPECT_FALSE(require_ok(files.exists(text("{}-wal", kCopy))));
              const Program copy(files, kMigrations, kCopy);
              EXPECT_THAT(copy.db, ok());
              EXPECT_TRUE(!copy.db || pairs(**copy.db) == (std::set{0, 1, 2}));
            }
            EXPECT_EQ(opened_pairs(files), (std::set{0, 1, 2})) << "the source";
          },
  };

  EXPECT_GT(test::at_every_crash_point(test_case), 6 * 10);
  EXPECT_GT(test::at_every_fault(EIO, test_case), 10);
  EXPECT_GT(test::at_every_fault(ENOSPC, test_case), 10);
}

TEST_F(CrashTest, SnapshotThatFailsLeavesNoFileBehind) {
  const auto take = [](MemoryFileSystem& files) {
    const Program program(files);
    if (program.db && !(*program.db)->snapshot(kCopy)) {
      for (const std::string& name : require_ok(files.list("/srv"))) {
        EXPECT_FALSE(name.starts_with("copy.db")) << name;
      }
    }
  };

  for (const int number : {EIO, ENOSPC}) {
    test::at_every_fault(number,
                         {.prepare = make_database, .work = take, .check = [](auto&, bool) {}});
  }
}

TEST_F(CrashTest, MigrationHappensWholeOrNotAndItsCopyIsWhole) {
  const std::vector<Migration> old = {kMigrations[0]};
  const std::string copy = text("{}.pre-2", kPath);
  const test::CrashCase test_case{
      .prepare = make_database_before_migration,
      .work = [](auto& files) { const Program program(files); },
      .check =
          [&](auto& files, bool finished) {
            const bool there = require_ok(files.exists(copy));
            EXPECT_TRUE(there || !finished);
            if (there) {
              const Program before(files, old, copy.c_str());
              EXPECT_THAT(before.db, ok());
              EXPECT_TRUE(!before.db || pairs(**before.db) == (std::set{0, 1, 2}));
            }
            EXPECT_EQ(opened_pairs(files), (std::set{0, 1, 2}));
          },
  };

  EXPECT_GT(test::at_every_crash_point(test_case), 6 * 20);
  EXPECT_GT(test::at_every_fault(EIO, test_case), 20);
  EXPECT_GT(test::at_every_fault(ENOSPC, test_case), 20);
}

TEST_F(CrashTest, FullDiskIsToldReadsGoOnAndWritesWorkAgainOnceThereIsRoom) {
  MemoryFileSystem files;
  make_database(files);
  const Program program(files);
  Database& db = **program.db;
  files.set_capacity(1 << 20);
  int number = 10;
  Result<void> added;
  while (added) {
    added = add_pair(db, number++);
    ASSERT_LT(number, 1000);
  }
  const auto written = static_cast<std::size_t>(kPairs + number - 10 - 1);

  EXPECT_THAT(added, failed_with(Code::kNoSpace));
  EXPECT_THAT(add_pair(db, 2000), failed_with(Code::kNoSpace));
  EXPECT_EQ(pairs(db).size(), written);

  files.set_capacity(1 << 30);
  EXPECT_THAT(add_pair(db, 2001), ok());
  EXPECT_THAT(db.check(), ok());
  EXPECT_EQ(pairs(db).size(), written + 1);
}

}  // namespace
}  // namespace dsl::db
