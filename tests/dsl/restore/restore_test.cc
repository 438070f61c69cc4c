// A database that was lost comes back; what is live is never written over.
#include "dsl/restore/restore.h"

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/hash/sha256.h"
#include "dsl/replica/envelope.h"
#include "dsl/replica/replica_test_base.h"
#include "support/crash_points.h"

namespace dsl::restore {
namespace {

using test::failed_saying;
using test::failed_with;
using test::ok;
using test::require_ok;
using ::testing::ElementsAre;
using ::testing::SizeIs;

const Progress kQuiet = [](int, int, const std::string&) {};

class RestoreTest : public replica::ReplicaTest {
 protected:
  Request request() { return {.database = path_, .mirrors = {mirror_}}; }

  Result<Plan> plan(const Request& wanted) { return make_plan(env_, wanted, identities_, kQuiet); }

  Result<void> restore(const Request& wanted) {
    MC_ASSIGN(const Plan found, plan(wanted));
    return carry_out(env_, wanted, found, identities_, kQuiet);
  }

  // Everything beside the mirror.
  void lose_the_database() {
    for (const auto& entry : std::filesystem::directory_iterator(dir_.file("."))) {
      if (entry.path().filename().string().starts_with("test.db")) {
        std::filesystem::remove_all(entry.path());
      }
    }
  }

  void write_rows(const std::vector<std::string>& rows) {
    const auto db = open(options());
    for (const std::string& row : rows) {
      EXPECT_THAT(add(*db, row), ok());
    }
    expect_replicated(*db);
  }
};

TEST_F(RestoreTest, NothingToRestoreFromIsNotFound) {
  EXPECT_THAT(plan(request()), failed_saying(Code::kNotFound, "--from"));
}

TEST_F(RestoreTest, AnotherKeyIsAWrongKeyAndChangesNothing) {
  write_rows({"a"});
  identities_.clear();
  identities_.push_back(archive::AgeIdentity::generate(env_.random()));

  EXPECT_THAT(restore(request()), failed_with(Code::kWrongKey));
  EXPECT_THAT(names_in(path_), ElementsAre("a"));
}

TEST_F(RestoreTest, NoKeyNamesTheOption) {
  write_rows({"a"});
  identities_.clear();

  EXPECT_THAT(restore(request()), failed_saying(Code::kFailedPrecondition, "--identity"));
}

TEST_F(RestoreTest, DatabaseInUseIsRefused) {
  const auto db = open(options());
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);

  EXPECT_THAT(restore(request()), failed_saying(Code::kConflict, "--to"));
}

TEST_F(RestoreTest, BesideAServiceThatRunsItGoesIntoAnotherDirectory) {
  const auto db = open(options());
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);

  Request wanted = request();
  wanted.to = dir_.file("look");
  EXPECT_THAT(restore(wanted), ok());
  EXPECT_THAT(names_in(dir_.file("look") + "/test.db"), ElementsAre("a"));
  EXPECT_THAT(restore(wanted), failed_with(Code::kAlreadyExists));
}

// HOUSE-A22: An empty or missing database beside a replica is not made as new, and the command that
// restores it is named.
TEST_F(RestoreTest, LostDatabaseIsNotMadeAnewAndComesBack) {
  write_rows({"a", "b"});
  lose_the_database();

  db::Options wanted = options();
  wanted.restore_command = "demo restore";
  EXPECT_THAT(db::Database::open(env_, path_, wanted),
              failed_saying(Code::kFailedPrecondition, "demo restore"));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_THAT(restore(request()), ok());

  const auto db = open(options());
  EXPECT_THAT(names(*db), ElementsAre("a", "b"));
  expect_replicated(*db);
  // Positions never go back: what comes after a restore is another epoch.
  EXPECT_THAT(epochs(), SizeIs(2));
}

TEST_F(RestoreTest, EmptyFileBesideAReplicaIsNotMadeAnew) {
  write_rows({"a"});
  lose_the_database();
  require_ok(env_.files().open(path_, env::OpenMode::kCreateNew));

  EXPECT_THAT(db::Database::open(env_, path_, options()), failed_with(Code::kFailedPrecondition));
}

// HOUSE-A22: Nor beside a copy of it.
TEST_F(RestoreTest, MissingDatabaseBesideACopyIsNotMadeAnew) {
  db::Options plain{.migrations = replica::kMigrations};
  require_ok(env_.files().make_directories(dir_.file("backups"), 0700));
  {
    const auto db = open(plain);
    EXPECT_THAT(add(*db, "a"), ok());
    EXPECT_THAT(db->snapshot(dir_.file("backups/test.db.1")), ok());
  }
  lose_the_database();
  EXPECT_THAT(db::Database::open(env_, path_, plain), failed_with(Code::kFailedPrecondition));

  Request wanted = request();
  wanted.from = dir_.file("backups/test.db.1");
  EXPECT_THAT(restore(wanted), ok());
  EXPECT_THAT(names_in(path_), ElementsAre("a"));
}

TEST_F(RestoreTest, LiveDatabaseIsSetAsideWhole) {
  write_rows({"a"});
  const auto before = env_.clock().now();
  env_.clock().sleep_for(std::chrono::milliseconds(20));
  write_rows({"b"});

  Request wanted = request();
  wanted.at = before;
  const Plan found = require_ok(plan(wanted));
  EXPECT_THAT(carry_out(env_, wanted, found, identities_, kQuiet), ok());

  EXPECT_THAT(names_in(path_), ElementsAre("a"));
  EXPECT_THAT(names_in(found.set_aside.name), ElementsAre("a", "b"));
}

TEST_F(RestoreTest, MomentBeforeEverythingIsRefused) {
  write_rows({"a"});
  Request wanted = request();
  wanted.at = env::WallTime(std::chrono::hours(24));

  EXPECT_THAT(restore(wanted), failed_with(Code::kFailedPrecondition));
}

TEST_F(RestoreTest, GapIsRefusedUnlessAllowed) {
  const auto db = open(options());
  for (const char* row : {"a", "b", "c", "d"}) {
    EXPECT_THAT(add(*db, row), ok());
    expect_replicated(*db);
  }
  const auto list = epochs();
  ASSERT_GE(list.back().objects.size(), 4u);
  require_ok(mirror()->remove(list.back().objects[2].name()));

  Request wanted = request();
  wanted.to = dir_.file("look");
  EXPECT_THAT(restore(wanted), failed_saying(Code::kDataLoss, "are lost"));
  wanted.allow_gap = true;
  EXPECT_THAT(restore(wanted), ok());
  EXPECT_THAT(names_in(dir_.file("look") + "/test.db"), ElementsAre("a", "b"));
}

TEST_F(RestoreTest, WholeMirrorIsPreferredToADamagedOne) {
  const std::string second = dir_.file("second");
  require_ok(env_.files().make_directories(second, 0700));
  db::Options two = options();
  two.replica.mirrors.push_back({.directory = second});
  {
    const auto db = open(two);
    for (const char* row : {"a", "b", "c"}) {
      EXPECT_THAT(add(*db, row), ok());
      expect_replicated(*db);
    }
  }
  require_ok(mirror()->remove(epochs().back().objects[1].name()));
  lose_the_database();

  Request wanted = request();
  wanted.mirrors.push_back(second);
  const Plan found = require_ok(plan(wanted));
  EXPECT_EQ(found.source, second);
  EXPECT_THAT(carry_out(env_, wanted, found, identities_, kQuiet), ok());
  EXPECT_THAT(names_in(path_), ElementsAre("a", "b", "c"));
}

// A planned epoch has its copy in the mirror before the one before it ends.
TEST_F(RestoreTest, CopyOfAnEpochThatHasNotBegunDoesNotHideLaterCommits) {
  const auto db = open(options());
  EXPECT_THAT(add(*db, "a"), ok());
  expect_replicated(*db);
  const replica::Epoch next{.number = 9, .random = "0badcafe"};
  const auto store = mirror();
  const auto upload = require_ok(store->put(replica::ObjectName{.epoch = next}.name()));
  const replica::BaseHeader header{.database = "test.db",
                                   .epoch = next.name(),
                                   .time = env_.clock().now(),
                                   .page_bytes = 4096,
                                   .sha256 = sha256_hex("")};
  auto writer = require_ok(replica::ObjectWriter::begin(
      env_.random(), options().replica.recipients,
      [&](std::span<const std::byte> bytes) { return upload->write(bytes); }, to_line(header)));
  require_ok(writer.finish());
  require_ok(upload->commit());
  env_.clock().sleep_for(std::chrono::milliseconds(20));
  EXPECT_THAT(add(*db, "b"), ok());
  expect_replicated(*db);

  Request wanted = request();
  wanted.to = dir_.file("look");
  EXPECT_THAT(restore(wanted), ok());
  EXPECT_THAT(names_in(dir_.file("look") + "/test.db"), ElementsAre("a", "b"));
}

// A database that was set aside has its log beside it.
TEST_F(RestoreTest, CopyComesWithItsLog) {
  db::Options plain{.migrations = replica::kMigrations};
  const auto db = open(plain);
  EXPECT_THAT(add(*db, "in the log"), ok());
  std::filesystem::copy_file(path_, dir_.file("copy.db"));
  std::filesystem::copy_file(path_ + "-wal", dir_.file("copy.db-wal"));

  Request wanted = request();
  wanted.from = dir_.file("copy.db");
  wanted.to = dir_.file("look");
  EXPECT_THAT(restore(wanted), ok());
  EXPECT_THAT(names_in(dir_.file("look") + "/test.db"), ElementsAre("in the log"));
}

// HOUSE-A18: A process that writes 500 rows a second is killed and loses its database with all that
// lay beside it: every row that was acknowledged more than a second before is restored.
TEST_F(RestoreTest, RowsOlderThanASecondSurviveTheLossOfTheDisk) {
  struct Row {
    std::int64_t number;
    std::int64_t time_ms;
  };
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    db::Options as_configured = options();
    as_configured.replica.seal_every = replica::Options().seal_every;
    const auto db = open(as_configured);
    const env::MonoTime start = env_.clock().mono_now();
    for (std::int64_t i = 0;; ++i) {
      env_.clock().sleep_until(start + i * std::chrono::milliseconds(2));
      if (!add(*db, std::to_string(i))) {
        ::_exit(1);
      }
      const Row row{i, env_.clock().now().time_since_epoch().count()};
      if (::write(fds[1], &row, sizeof row) != sizeof row) {
        ::_exit(1);
      }
    }
  }
  ::close(fds[1]);
  std::vector<Row> acknowledged;
  const auto take = [&] {
    Row row{};
    if (::read(fds[0], &row, sizeof row) != sizeof row) {
      return false;
    }
    acknowledged.push_back(row);
    return true;
  };
  const env::MonoTime until = env_.clock().mono_now() + std::chrono::seconds(4);
  while (env_.clock().mono_now() < until) {
    ASSERT_TRUE(take());
  }
  const std::int64_t killed_ms = env_.clock().now().time_since_epoch().count();
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  while (take()) {
  }
  ::close(fds[0]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  lose_the_database();

  EXPECT_THAT(restore(request()), ok());

  const auto rows = names_in(path_);
  std::size_t old = 0;
  while (old < acknowledged.size() && acknowledged[old].time_ms < killed_ms - 1000) {
    ++old;
  }
  ASSERT_GT(old, 500u);
  ASSERT_GE(rows.size(), old);
  for (std::size_t i = 0; i < old; ++i) {
    EXPECT_EQ(rows[i], std::to_string(i));
  }
}

// A restore that is cut off leaves the old database, the new one, or neither with a note; run
// again, it ends well, and nothing that was live is lost.
TEST(RestoreCrash, CutOffAnywhereItCanBeRunAgain) {
  const std::string path = "/srv/test.db";
  const std::string copy = "/srv/copy.db";
  const Request request{.database = path, .from = copy};
  const auto names = [](env::Env& env, const std::string& database) {
    const auto db =
        require_ok(db::Database::open(env, database, {.migrations = replica::kMigrations}));
    std::vector<std::string> found;
    require_ok(db->read([&](db::Transaction& tx) {
      return tx.query("SELECT name FROM items ORDER BY id", [&](db::Row& row) -> Result<void> {
        found.push_back(row.text(0));
        return {};
      });
    }));
    return found;
  };
  const auto fill = [](env::Env& env, const std::string& database, const std::string& name) {
    const auto db =
        require_ok(db::Database::open(env, database, {.migrations = replica::kMigrations}));
    require_ok(db->write(
        [&](db::Transaction& tx) { return tx.run("INSERT INTO items(name) VALUES(?)", name); }));
  };
  const auto restore = [&](env::Env& env) -> Result<std::string> {
    MC_ASSIGN(const Plan plan, make_plan(env, request, {}, kQuiet));
    MC_TRY(carry_out(env, request, plan, {}, kQuiet));
    return plan.set_aside.name;
  };
  const int cuts = test::at_every_crash_point(
      {.prepare =
           [&](test::MemoryFileSystem& files) {
             test::TestEnv env(1);
             env.use_files(files);
             require_ok(files.make_directories("/srv", 0700));
             fill(env, path, "old");
             fill(env, copy, "new");
           },
       .work =
           [&](test::MemoryFileSystem& files) {
             test::TestEnv env(1);
             env.use_files(files);
             (void)restore(env);
           },
       .check =
           [&](test::MemoryFileSystem& files, bool finished) {
             test::TestEnv env(1);
             env.use_files(files);
             if (finished) {
               EXPECT_THAT(names(env, path), ElementsAre("new"));
               return;
             }
             {
               const auto opened =
                   db::Database::open(env, path, {.migrations = replica::kMigrations});
               EXPECT_TRUE(opened || opened.error().code() == Code::kFailedPrecondition);
             }
             const std::string aside = require_ok(restore(env));
             EXPECT_THAT(names(env, path), ElementsAre("new"));
             std::size_t old = 0;
             for (const std::string& name : require_ok(files.list("/srv"))) {
               if (name.find(".before-restore-") != std::string::npos && !name.ends_with("-wal") &&
                   !name.ends_with("-shm")) {
                 old += names(env, "/srv/" + name) == std::vector<std::string>{"old"} ? 1u : 0u;
               }
             }
             EXPECT_EQ(old, 1u) << aside;
           }});
  EXPECT_GT(cuts, 50);
}

}  // namespace
}  // namespace dsl::restore
