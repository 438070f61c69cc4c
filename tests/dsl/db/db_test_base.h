// A real database in a folder of the test's own.
#pragma once

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "dsl/db/database.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace dsl::db {

inline const std::vector<Migration> kMigrations = {
    {1, "initial",
     "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
     "CREATE TABLE parts(item INTEGER NOT NULL REFERENCES items(id), note TEXT);"},
    {2, "sizes", "ALTER TABLE items ADD COLUMN size INTEGER"},
};

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() : env_(1), path_(dir_.file("test.db")) {
    env_.use_real_files();
    env_.use_real_clock();
  }

  Result<std::unique_ptr<Database>> open(const Options& options = {.migrations = kMigrations}) {
    return Database::open(env_, path_, options);
  }

  static Result<void> add(Database& db, const std::string& name) {
    return db.write(
        [&](Transaction& tx) { return tx.run("INSERT INTO items(name) VALUES(?)", name); });
  }

  static Result<std::vector<std::string>> names(Transaction& tx) {
    std::vector<std::string> found;
    MC_TRY(tx.query("SELECT name FROM items ORDER BY id", [&](Row& row) -> Result<void> {
      found.push_back(row.text(0));
      return {};
    }));
    return found;
  }

  static std::vector<std::string> names(Database& db) {
    return test::require_ok(db.read([](Transaction& tx) { return names(tx); }));
  }

  static std::int64_t count(Transaction& tx) {
    std::int64_t rows = 0;
    test::require_ok(tx.query("SELECT count(*) FROM items", [&](Row& row) -> Result<void> {
      rows = row.integer(0);
      return {};
    }));
    return rows;
  }

  std::string bytes_of(const std::string& path) {
    return test::require_ok(env_.files().read_file(path, 1u << 30));
  }

  const test::TempDir dir_;
  test::TestEnv env_;
  const std::string path_;
};

}  // namespace dsl::db
