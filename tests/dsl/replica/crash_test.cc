// A power cut, or an error, while a replicated database is opened, written, sealed, shipped,
// checkpointed and closed; database and mirror lie on the same disk in memory.
//
// The threads of the replicator take turns as they like: the same number of changes does not cut at
// the same place twice, and each run is judged by what it had acknowledged. $MC_EVERY_CRASH_POINT
// tries each number of changes instead of a sample.
#include <cerrno>
#include <cstdlib>

#include "dsl/log/log.h"
#include "replica_test_base.h"
#include "support/memory_file_system.h"
#include "support/seeded_random.h"

namespace dsl::replica {
namespace {

using test::Crash;
using test::MemoryFileSystem;
using test::ok;
using test::require_ok;

constexpr const char* kPath = "/srv/test.db";
constexpr const char* kMirror = "/mirror";
constexpr const char* kBootFolder = "/proc/sys/kernel/random";

class ReplicaCrashTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { log::start({.level = log::Level::kError}); }
  static void TearDownTestSuite() { log::stop(); }

  // A process on `files`, with random bytes of its own.
  struct Program {
    Program(MemoryFileSystem& files, bool sync) : env(++programs_) {
      env.use_files(files);
      env.use_real_clock();
      db::Options options{.migrations = kMigrations, .readers = 1};
      options.replica.mirrors = {{.directory = kMirror, .sync = sync}};
      options.replica.seal_every = std::chrono::milliseconds(3);
      db = db::Database::open(env, kPath, options);
    }
    test::TestEnv env;
    Result<std::unique_ptr<db::Database>> db = fail(Code::kInternal, "not opened");
  };
  static inline std::uint64_t programs_ = 0;
  static inline int boots_ = 0;

  // What one run writes, row after row, and what it learned of it.
  struct History {
    int rows = 0;          // tried
    int acknowledged = 0;  // the first so many
    int mirrored = 0;      // of those, acknowledged with the mirror
  };

  static Result<void> add(db::Database& db, int number) {
    return db.write([&](db::Transaction& tx) -> Result<void> {
      MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)", text("{} left", number)));
      // Larger than a page, so that the commit has several.
      return tx.run("INSERT INTO items(name) VALUES(?)",
                    text("{} right {}", number, std::string(6000, 'x')));
    });
  }

  static History write(MemoryFileSystem& files, bool sync) {
    History history;
    const Program program(files, sync);
    if (!program.db) {
      return history;
    }
    db::Database& db = **program.db;
    for (bool all = true; history.rows < 12;) {
      all &= add(db, history.rows++).has_value() && !files.crashed();
      if (!all) {
        continue;  // later ones may succeed; then the first ones do not count
      }
      history.acknowledged = history.rows;
      if (sync && db.replica_status()->mirrors[0].sync_active && !files.crashed()) {
        history.mirrored = history.rows;
      }
      if (history.rows % 4 == 0) {
        (void)db.checkpoint();
      }
      if (history.rows % 3 == 0 && !files.crashed()) {
        (void)db.wait_until_replicated(std::chrono::milliseconds(20));
      }
    }
    return history;
  }

  // The numbers of the rows that are there; none may be there half.
  static std::vector<int> rows(db::Database& db) {
    std::vector<int> numbers;
    int last = -1;
    require_ok(db.read([&](db::Transaction& tx) {
      return tx.query("SELECT name FROM items ORDER BY id", [&](db::Row& row) -> Result<void> {
        const std::string name = row.text(0);
        const int number = std::stoi(name);
        if (name.find("left") != std::string::npos) {
          last = number;
          return {};
        }
        EXPECT_EQ(last, number) << "half a transaction";
        numbers.push_back(number);
        return {};
      });
    }));
    return numbers;
  }

  // Reads every epoch of the mirror; none may be broken. The rows of the newest.
  static std::optional<std::vector<int>> restored(MemoryFileSystem& files) {
    test::TestEnv env(++programs_);
    env.use_files(files);
    const auto store = directory_store(env, std::string(kMirror) + "/test.db");
    std::optional<Chain> newest;
    for (const EpochSummary& epoch : require_ok(list_epochs(*store))) {
      if (!epoch.has_base) {
        continue;
      }
      auto chain = read_chain(*store, epoch, {});
      EXPECT_THAT(chain, ok());
      if (!chain) {
        continue;
      }
      EXPECT_FALSE(chain->broken) << chain->broken->to_text();
      if (!newest || chain->newest({})->time >= newest->newest({})->time) {
        newest = *std::move(chain);
      }
    }
    if (!newest) {
      return std::nullopt;
    }
    const std::string copy = text("/srv/copy-{}.db", programs_);
    EXPECT_THAT(rebuild(*store, *newest, *newest->newest({}), {}, files, copy), ok());
    const auto db = db::Database::open(env, copy, {.migrations = kMigrations, .readers = 1});
    EXPECT_THAT(db, ok());
    if (!db) {
      return std::nullopt;
    }
    EXPECT_THAT((*db)->check(), ok());
    return rows(**db);
  }

  static void expect_prefix(const std::vector<int>& found, int at_least, int at_most) {
    EXPECT_GE(static_cast<int>(found.size()), at_least);
    EXPECT_LE(static_cast<int>(found.size()), at_most);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i], static_cast<int>(i));
    }
  }

  // After the restart.
  static void check(MemoryFileSystem& files, bool sync, const History& history, bool cut) {
    const auto mirrored = restored(files);
    EXPECT_TRUE(mirrored || history.mirrored == 0);
    if (mirrored && cut) {
      expect_prefix(*mirrored, history.mirrored, history.rows);
    }
    Program program(files, sync);
    ASSERT_THAT(program.db, ok());
    db::Database& db = **program.db;
    const std::vector<int> found = rows(db);
    if (cut) {
      expect_prefix(found, history.acknowledged, history.rows);
    } else {
      EXPECT_GE(static_cast<int>(found.size()), history.acknowledged);
    }
    EXPECT_THAT(db.check(), ok());
    EXPECT_THAT(add(db, 1000), ok());
    EXPECT_THAT(db.wait_until_replicated(std::chrono::seconds(20)), ok());
    EXPECT_EQ(restored(files), rows(db));
  }

  static void start_machine(MemoryFileSystem& files) {
    require_ok(files.write_file(std::string(kBootFolder) + "/boot_id", text("{}\n", ++boots_)));
  }

  static void make_folders(MemoryFileSystem& files) {
    require_ok(files.make_directories("/srv", 0700));
    require_ok(files.make_directories(kMirror, 0700));
    require_ok(files.make_directories(kBootFolder, 0700));
    start_machine(files);
  }

  // A database of rows that a killed process left, with its log.
  static void leave_database(MemoryFileSystem& files, bool sync) {
    make_folders(files);
    {
      const Program program(files, sync);
      require_ok((*program.db)->write([](db::Transaction& tx) {
        return tx.run("CREATE TABLE others(id INTEGER PRIMARY KEY)");
      }));
      require_ok((*program.db)->wait_until_replicated(std::chrono::seconds(20)));
      files.crash_after(0);
    }
    files.restart({.data = Crash::Data::kKept, .names_kept = true});
  }

  static std::uint64_t stride(std::uint64_t sample) {
    return std::getenv("MC_EVERY_CRASH_POINT") != nullptr ? 1 : sample;
  }

  static int cut_everywhere(bool sync, void (*prepare)(MemoryFileSystem&, bool)) {
    test::SeededRandom random;
    int cuts = 0;
    for (const auto data : {Crash::Data::kLost, Crash::Data::kTorn, Crash::Data::kKept}) {
      for (const bool names_kept : {false, true}) {
        const std::uint64_t step = stride(61);
        bool finished = false;
        for (std::uint64_t at = random.below(step); !finished; at += step, ++cuts) {
          SCOPED_TRACE(text("cut after {} changes, data {}, names kept {}, sync {}", at,
                            static_cast<int>(data), names_kept, sync));
          MemoryFileSystem files;
          prepare(files, sync);
          files.crash_after(at);
          const History history = write(files, sync);
          finished = !files.crashed();
          EXPECT_TRUE(!finished || history.acknowledged == history.rows);
          EXPECT_TRUE(!finished || !sync || history.mirrored == history.rows);
          files.restart({data, names_kept});
          start_machine(files);
          check(files, sync, history, true);
          if (HasFailure()) {
            return cuts;
          }
        }
      }
    }
    return cuts;
  }

  static int fail_everywhere(int number, bool sync, void (*prepare)(MemoryFileSystem&, bool)) {
    test::SeededRandom random;
    const std::uint64_t step = stride(37);
    int runs = 0;
    bool finished = false;
    for (std::uint64_t at = random.below(step); !finished; at += step, ++runs) {
      SCOPED_TRACE(text("error {} after {} changes, sync {}", number, at, sync));
      MemoryFileSystem files;
      prepare(files, sync);
      files.fail_after(at, number);
      const History history = write(files, sync);
      finished = files.faults_left() > 0;
      files.restart();
      start_machine(files);
      check(files, sync, history, false);
      if (HasFailure()) {
        return runs;
      }
    }
    return runs;
  }
};

TEST_F(ReplicaCrashTest, CutAnywhereInTheFirstRunLosesNothing) {
  const auto prepare = [](MemoryFileSystem& files, bool) { make_folders(files); };

  EXPECT_GT(cut_everywhere(false, prepare), 6 * 3);
}

TEST_F(ReplicaCrashTest, CutAnywhereInTheFirstRunLosesNothingThatASyncMirrorAcknowledged) {
  const auto prepare = [](MemoryFileSystem& files, bool) { make_folders(files); };

  EXPECT_GT(cut_everywhere(true, prepare), 6 * 3);
}

TEST_F(ReplicaCrashTest, CutAnywhereInALaterRunLosesNothing) {
  EXPECT_GT(cut_everywhere(false, leave_database), 6 * 3);
}

TEST_F(ReplicaCrashTest, CutAnywhereInALaterRunLosesNothingThatASyncMirrorAcknowledged) {
  EXPECT_GT(cut_everywhere(true, leave_database), 6 * 3);
}

TEST_F(ReplicaCrashTest, ErrorAnywhereLosesNothing) {
  for (const int number : {EIO, ENOSPC}) {
    for (const bool sync : {false, true}) {
      EXPECT_GT(fail_everywhere(number, sync, leave_database), 3);
    }
  }
}

}  // namespace
}  // namespace dsl::replica
