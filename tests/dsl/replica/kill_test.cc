// Processes that are killed while they write a replicated database.
#include <csignal>
#include <set>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replica_test_base.h"
#include "support/seeded_random.h"

namespace dsl::replica {
namespace {

using test::ok;
using test::require_ok;

class KillTest : public ReplicaTest {
 protected:
  // In a child: writes rows from several threads, and tells each once it is acknowledged.
  [[noreturn]] void write_until_killed(bool sync, int pipe) {
    const auto db = open(options(sync));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0;; ++i) {
          const auto id = db->write([&](db::Transaction& tx) -> Result<std::int64_t> {
            MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)",
                          text("{}.{}.{}", ::getpid(), thread, i)));
            return tx.last_insert_id();
          });
          if (!id || ::write(pipe, &*id, sizeof *id) != sizeof *id) {
            ::_exit(1);
          }
          if (i % 20 == 19) {
            (void)db->checkpoint();
          }
        }
      });
    }
    threads.front().join();
    ::_exit(1);
  }

  // Starts one, kills it after some rows, and adds what it had acknowledged.
  void run_and_kill(bool sync, std::uint64_t rows, std::set<std::int64_t>& acknowledged) {
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(fds[0]);
      write_until_killed(sync, fds[1]);
    }
    ::close(fds[1]);
    std::int64_t id = 0;
    for (; rows > 0; --rows) {
      ASSERT_EQ(::read(fds[0], &id, sizeof id), ssize_t{sizeof id});
      acknowledged.insert(id);
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(fds[0], &id, sizeof id) == sizeof id) {
      acknowledged.insert(id);
    }
    ::close(fds[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }

  std::set<std::int64_t> restored_ids() {
    const Chain found = chain();
    EXPECT_FALSE(found.broken) << found.broken->to_text();
    const std::string copy = dir_.file("restored-" + env_.random().hex(4) + ".db");
    require_ok(rebuild(*mirror(), found, *found.newest({}), identities_, env_.files(), copy));
    return ids_in(copy);
  }
  std::set<std::int64_t> ids_in(const std::string& path) {
    const auto db = require_ok(db::Database::open(env_, path, {.migrations = kMigrations}));
    EXPECT_THAT(db->check(), ok());
    std::set<std::int64_t> found;
    require_ok(db->read([&](db::Transaction& tx) {
      return tx.query("SELECT id FROM items", [&](db::Row& row) -> Result<void> {
        found.insert(row.integer(0));
        return {};
      });
    }));
    return found;
  }
  static void expect_all(const std::set<std::int64_t>& acknowledged,
                         const std::set<std::int64_t>& found) {
    EXPECT_TRUE(
        std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()));
  }

  test::SeededRandom random_;
};

// HOUSE-A18: With a sync mirror every acknowledged row is there, in the mirror alone.
TEST_F(KillTest, SyncMirrorHasEveryAcknowledgedRowOfAKilledProcess) {
  std::set<std::int64_t> acknowledged;
  for (int round = 0; round < 10 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    run_and_kill(true, 1 + random_.below(120), acknowledged);
    expect_all(acknowledged, restored_ids());
  }
}

TEST_F(KillTest, ChainIsWholeAfterEveryKillAndHasEverythingAfterTheNextStart) {
  std::set<std::int64_t> acknowledged;
  for (int round = 0; round < 10 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    run_and_kill(false, 50 + random_.below(100), acknowledged);
    if (round % 3 == 2) {
      {
        const auto db = open(options());
        expect_replicated(*db);
      }
      expect_all(acknowledged, restored_ids());
    }
  }
  expect_all(acknowledged, ids_in(path_));
}

}  // namespace
}  // namespace dsl::replica
