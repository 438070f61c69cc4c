// A replicated database in a folder of the test's own, and ways to get it back.
#pragma once

#include <chrono>
#include <string>
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
    return db.write([&](db::Transaction& tx) {
      return tx.run("INSERT INTO items(name) VALUES(?)", name);
    });
  }

  static void expect_replicated(db::Database& db) {
    EXPECT_THAT(db.wait_until_replicated(std::chrono::seconds(20)), test::ok());
  }

  std::unique_ptr<Store> mirror() { return directory_store(env_, mirror_ + "/test.db"); }

  std::vector<EpochSummary> epochs() {
    const auto store = mirror();
    return test::require_ok(list_epochs(*store));
  }

  Chain chain() {
    const auto store = mirror();
    const auto list = test::require_ok(list_epochs(*store));
    return test::require_ok(read_chain(*store, list.back(), identities_));
  }

  // The names that the newest epoch has at `until`, or at its end.
  std::vector<std::string> restored_names(std::optional<Position> until = {}) {
    const auto store = mirror();
    while (true) {
      const Chain found = chain();
      const std::string copy = dir_.file("restored-" + env_.random().hex(4) + ".db");
      const auto rebuilt = rebuild(*store, found, until ? *until : *found.newest({}), identities_,
                                   env_.files(), copy);
      if (!rebuilt && rebuilt.error().code() == Code::kNotFound) {
        continue;  // a tail was replaced by a segment since the chain was read
      }
      test::require_ok(rebuilt);
      return names_in(copy);
    }
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

  test::TempDir dir_;
  test::TestEnv env_;
  Identities identities_;
  const std::string path_;
  const std::string mirror_;
};

}  // namespace dsl::replica
