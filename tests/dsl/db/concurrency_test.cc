#include <atomic>
#include <latch>
#include <set>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/db/db_test_base.h"

namespace dsl::db {
namespace {

using test::failed_saying;
using test::ok;
using test::require_ok;
using ::testing::Each;

class ConcurrencyTest : public DatabaseTest {
 protected:
  static void run_threads(int count, const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back(body, i);
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
};

TEST_F(ConcurrencyTest, FullQueueRefusesAtOnce) {
  const auto db = require_ok(open({.migrations = kMigrations, .queue_max = 1}));
  std::latch running(1);
  std::latch release(1);
  std::thread busy([&] {
    require_ok(db->write([&](Transaction&) -> Result<void> {
      running.count_down();
      release.wait();
      return {};
    }));
  });
  running.wait();

  // One of two finds the single place in the queue taken.
  std::atomic<int> refused = 0;
  std::latch refusal(1);
  const auto contend = [&](int i) {
    const auto result = add(*db, std::to_string(i));
    if (!result) {
      EXPECT_THAT(result, failed_saying(Code::kUnavailable, "1 writes are waiting"));
      ++refused;
      refusal.count_down();
    }
  };
  std::thread first([&] { contend(1); });
  std::thread second([&] { contend(2); });
  refusal.wait();
  release.count_down();

  first.join();
  second.join();
  busy.join();
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(names(*db).size(), 1u);
}

TEST_F(ConcurrencyTest, WritersShareCommitsAndNoneIsLost) {
  constexpr int kThreads = 16;
  constexpr int kWrites = 50;
  const auto db = require_ok(open());
  std::mutex mutex;
  std::multiset<std::int64_t> committed_seen;

  run_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kWrites; ++i) {
      const std::string name = std::to_string(thread) + "." + std::to_string(i);
      std::int64_t committed = 0;
      require_ok(db->write([&](Transaction& tx) -> Result<void> {
        // What others see while this job runs is what was committed before its group.
        committed = require_ok(
            db->read([](Transaction& reader) -> Result<std::int64_t> { return count(reader); }));
        return tx.run("INSERT INTO items(name) VALUES(?)", name);
      }));
      const std::lock_guard guard(mutex);
      committed_seen.insert(committed);
    }
  });

  EXPECT_EQ(names(*db).size(), std::size_t{kThreads * kWrites});
  const std::set<std::int64_t> groups(committed_seen.begin(), committed_seen.end());
  EXPECT_LT(groups.size(), std::size_t{kThreads * kWrites} / 2) << "two or more share a commit";
}

TEST_F(ConcurrencyTest, FailingWriterOfAGroupDoesNotTouchTheOthers) {
  const auto db = require_ok(open());
  std::atomic<int> failed = 0;

  run_threads(8, [&](int thread) {
    for (int i = 0; i < 40; ++i) {
      const bool fails = i % 2 == 1;
      const auto result = db->write([&](Transaction& tx) -> Result<void> {
        MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)",
                      text("{} {}.{}", fails ? "bad" : "good", thread, i)));
        if (fails) {
          return fail(Code::kConflict, "on purpose");
        }
        return {};
      });
      failed += result ? 0 : 1;
    }
  });

  EXPECT_EQ(failed, 8 * 20);
  const auto found = names(*db);
  EXPECT_EQ(found.size(), 8u * 20u);
  EXPECT_THAT(found, Each(::testing::StartsWith("good")));
}

TEST_F(ConcurrencyTest, ReaderSeesOneStateWhileAWriterCommits) {
  const auto db = require_ok(open());
  require_ok(add(*db, "first"));

  const auto seen = db->read([&](Transaction& tx) -> Result<std::vector<std::int64_t>> {
    std::vector<std::int64_t> counts{count(tx)};
    std::thread([&] { require_ok(add(*db, "second")); }).join();
    counts.push_back(count(tx));
    return counts;
  });

  EXPECT_THAT(require_ok(seen), ::testing::ElementsAre(1, 1));
  EXPECT_EQ(names(*db).size(), 2u);
}

TEST_F(ConcurrencyTest, PairsOfRowsAreNeverSeenHalf) {
  const auto db = require_ok(open());
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      require_ok(db->write([&](Transaction& tx) -> Result<void> {
        MC_TRY(tx.run("INSERT INTO items(name) VALUES(?)", text("{} left", i)));
        return tx.run("INSERT INTO items(name) VALUES(?)", text("{} right", i));
      }));
    }
    stop = true;
  });

  run_threads(4, [&](int) {
    while (!stop) {
      const auto rows = db->read([](Transaction& tx) -> Result<std::int64_t> { return count(tx); });
      EXPECT_EQ(require_ok(rows) % 2, 0);
    }
  });

  writer.join();
}

TEST_F(ConcurrencyTest, LogStaysBoundedUnderSteadyWrites) {
  const auto db = require_ok(open());

  for (int i = 0; i < 50; ++i) {
    require_ok(add(*db, std::string(400'000, 'x') + std::to_string(i)));
  }

  // 20 MB were written; a checkpoint comes every 4 MiB.
  EXPECT_LT(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 10u << 20);
  require_ok(db->checkpoint());
  EXPECT_EQ(require_ok(env_.files().stat(path_ + "-wal")).size_bytes, 0u);
}

// The child writes rows from four threads and reports each one acknowledged, until it is killed.
[[noreturn]] void write_until_killed(env::Env& env, const std::string& path, int pipe) {
  const auto db = require_ok(Database::open(env, path, {.migrations = kMigrations}));
  std::vector<std::thread> threads;
  for (std::int64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::int64_t i = 0;; ++i) {
        const auto id = db->write([&](Transaction& tx) -> Result<std::int64_t> {
          MC_TRY(
              tx.run("INSERT INTO items(name) VALUES(?)", text("{}.{}.{}", ::getpid(), thread, i)));
          return tx.last_insert_id();
        });
        if (!id || ::write(pipe, &*id, sizeof *id) != sizeof *id) {
          ::_exit(1);
        }
      }
    });
  }
  threads.front().join();
  ::_exit(1);
}

// HOUSE-A10: A process killed at a random moment, 20 times over, loses no acknowledged row.
TEST_F(ConcurrencyTest, KilledProcessLosesNoAcknowledgedRow) {
  test::SeededRandom random;
  std::vector<std::int64_t> acknowledged;
  for (int round = 0; round < 20; ++round) {
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(fds[0]);
      write_until_killed(env_, path_, fds[1]);
    }
    ::close(fds[1]);
    std::int64_t id = 0;
    // Kills in the midst of work, then takes what was acknowledged until then.
    for (std::uint64_t left = 1 + random.below(200); left > 0; --left) {
      ASSERT_EQ(::read(fds[0], &id, sizeof id), ssize_t{sizeof id});
      acknowledged.push_back(id);
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(fds[0], &id, sizeof id) == sizeof id) {
      acknowledged.push_back(id);
    }
    ::close(fds[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }

  const auto db = require_ok(open());
  std::set<std::int64_t> found;
  require_ok(db->read([&](Transaction& tx) {
    return tx.query("SELECT id FROM items", [&](Row& row) -> Result<void> {
      found.insert(row.integer(0));
      return {};
    });
  }));
  for (const std::int64_t id : acknowledged) {
    EXPECT_TRUE(found.contains(id)) << "row " << id << " was acknowledged";
  }
  EXPECT_THAT(db->check(), ok());
}

}  // namespace
}  // namespace dsl::db
