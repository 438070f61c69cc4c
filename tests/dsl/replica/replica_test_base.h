// A replicated database in a folder of the test's own, and ways to get it back.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "dsl/db/database.h"
#include "dsl/replica/chain.h"
#include "dsl/replica/directory_store.h"
#include "dsl/replica/rebuild.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace dsl::replica {

inline const std::vector<db::Migration> kMigrations = {
    {1, "initial", "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"}};

class ReplicaTest : public ::testing::Test {
 protected:
  ReplicaTest() : env_(7), path_(dir_.file("test.db")), mirror_(dir_.file("mirror")) {
    env_.use_real_files();
    env_.use_real_clock();
    test::require_ok(env_.files().make_directories(mirror_, 0700));
    identities_.push_back(archive::AgeIdentity::generate(env_.random()));
  }

  db::Options options(bool sync = false) {
    db::Options options{.migrations = kMigrations};
    options.replica.mirrors = {{.directory = mirror_, .sync = sync}};
    options.replica.recipients = {identities_.front().recipient()};
    options.replica.seal_every = std::chrono::milliseconds(50);
    return options;
  }

  std::unique_ptr<db::Database> open(const db::Options& options) {
    return test::require_ok(db::Database::open(env_, path_, options));
  }

  static Result<void> add(db::Database& db, const std::string& name) {
    return db.write(
        [&](db::Transaction& tx) { return tx.run("INSERT INTO items(name) VALUES(?)", name); });
  }

  static void expect_replicated(db::Database& db) {
    EXPECT_THAT(db.wait_until_replicated(std::chrono::seconds(20)), test::ok());
  }

  // Waits until it holds; false after 20 s.
  static bool becomes(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  // Another epoch than `before` is open, and is in the mirrors.
  static void expect_next_epoch(db::Database& db, const std::string& before) {
    EXPECT_TRUE(becomes([&] {
      const Status now = *db.replica_status();
      return now.following && now.epoch > before;
    })) << db.replica_status()->reason;
    expect_replicated(db);
  }

  std::unique_ptr<Store> mirror() { return directory_store(env_, mirror_ + "/test.db"); }

  std::vector<EpochSummary> epochs() {
    const auto store = mirror();
    return test::require_ok(list_epochs(*store));
  }

  // That of the epoch with the newest commit, as a restore looks for it.
  Chain chain() { return chain_in(mirror_); }
  Chain chain_in(const std::string& directory) {
    const auto store = directory_store(env_, directory + "/test.db");
    std::optional<Chain> newest;
    for (const EpochSummary& epoch : test::require_ok(list_epochs(*store))) {
      if (!epoch.has_base) {
        continue;
      }
      Chain found = test::require_ok(read_chain(*store, epoch, identities_));
      if (!newest || found.newest({})->time >= newest->newest({})->time) {
        newest = std::move(found);
      }
    }
    MC_ASSERT(newest, "the mirror has an epoch");
    return *std::move(newest);
  }

  // The names that it has at `until`, or at its end.
  std::vector<std::string> restored_names(std::optional<Position> until = {}) {
    return restored_names_in(mirror_, until);
  }
  std::vector<std::string> restored_names_in(const std::string& directory,
                                             std::optional<Position> until = {}) {
    const auto store = directory_store(env_, directory + "/test.db");
    const Chain found = chain_in(directory);
    EXPECT_FALSE(found.broken) << found.broken->to_text();
    const std::string copy = dir_.file("restored-" + env_.random().hex(4) + ".db");
    test::require_ok(rebuild(*store, found, until ? *until : *found.newest({}), identities_,
                             env_.files(), copy));
    return names_in(copy);
  }

  std::vector<std::string> names_in(const std::string& path) {
    const auto db = test::require_ok(db::Database::open(env_, path, {.migrations = kMigrations}));
    EXPECT_THAT(db->check(), test::ok());
    return names(*db);
  }

  static std::vector<std::string> names(db::Database& db) {
    std::vector<std::string> found;
    test::require_ok(db.read([&](db::Transaction& tx) {
      return tx.query("SELECT name FROM items ORDER BY id", [&](db::Row& row) -> Result<void> {
        found.push_back(row.text(0));
        return {};
      });
    }));
    return found;
  }

  test::TempDir dir_{test::TempDir::Where::kMemory};
  test::TestEnv env_;
  Identities identities_;
  const std::string path_;
  const std::string mirror_;
};

}  // namespace dsl::replica
