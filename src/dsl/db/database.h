// A service's SQLite database: WAL, durable commits, one writer, many readers.
//
//   MC_ASSIGN(auto db, db::Database::open(env, path, {.migrations = kMigrations}));
//   MC_TRY(db->write([&](db::Transaction& tx) -> Result<void> {
//     return tx.run("INSERT INTO zones(name, serial) VALUES(?, ?)", name, serial);
//   }));
//
// Pragmas: journal_mode=WAL, synchronous=FULL, foreign_keys=ON, busy_timeout=5000,
// trusted_schema=OFF. The file is created 0600. Checkpoints happen inside the writer queue only.
// Errors: disk full kNoSpace, read-only kPermissionDenied, damaged kDataLoss, locked kUnavailable,
// a violated constraint kConflict; each with a hint.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "dsl/db/statement.h"
#include "dsl/env/env.h"
#include "dsl/replica/replica.h"
#include "dsl/result/result.h"

namespace dsl::db {

struct Migration {
  int number = 0;         // 1, 2, 3, ... without gaps
  std::string_view name;  // "initial"
  std::string_view sql;   // one or more statements, run in one transaction
};

struct Options {
  std::vector<Migration> migrations;
  int readers = 4;               // read-only connections
  std::size_t queue_max = 1024;  // writers waiting; beyond it kUnavailable at once
  // Writers whose work is queued together share one commit and one fsync. None is acknowledged
  // before that commit.
  std::size_t group_max = 64;
  // False for a guest beside the process that owns the database: it migrates nothing and leaves the
  // log alone. Guests have no replication.
  bool owner = true;
  // Continuous replication; without mirrors there is none.
  replica::Options replica;
  // What an operator types to get the database back: "mcp-agent restore".
  std::string restore_command = "the restore command of this service";
};

// A transaction on one connection, alive only inside the callback that received it.
class Transaction {
 public:
  // A statement prepared once per connection; bind and step it (see statement.h).
  Statement prepare(std::string_view sql);

  // Binds `values` in order, runs to the end, discards rows.
  template <class... Values>
  Result<void> run(std::string_view sql, const Values&... values) {
    Statement statement = prepare(sql);
    statement.bind_all(values...);
    return statement.run();
  }
  // Calls `row` for each result row: query(sql, [&](Row& row) -> Result<void> {...}, values...).
  template <class RowFn, class... Values>
  Result<void> query(std::string_view sql, RowFn&& row, const Values&... values) {
    Statement statement = prepare(sql);
    statement.bind_all(values...);
    return statement.each(std::forward<RowFn>(row));
  }
  std::int64_t last_insert_id() const;
  std::int64_t changes() const;

 private:
  friend class Connection;
  explicit Transaction(class Connection& connection) : connection_(connection) {}
  class Connection& connection_;
};

struct SnapshotReport {
  std::string sha256;  // of the copy, lower-case hex
  std::uint64_t size_bytes = 0;
  std::int64_t rows = 0;  // in all tables together
};

// Thread-safe. Destroying it finishes the queued writes, checkpoints and closes.
class Database {
 public:
  // Opens or creates `path`, then migrates. Refuses a database newer than the binary
  // (kFailedPrecondition, with the version needed), an edited old migration, and a damaged file;
  // the file is then untouched. A database that is missing or empty beside a replica or a copy of
  // it is not made anew (kFailedPrecondition, with the command that restores it). Before the first
  // pending migration of a database that has data a copy is taken as `path`.pre-<number>.
  static Result<std::unique_ptr<Database>> open(env::Env& env, const std::string& path,
                                                const Options& options);
  // A database of that schema that is in no file, and gone with its object: for rows that are kept
  // elsewhere, and are to be read as those of a service. One at a time reads it or writes.
  static Result<std::unique_ptr<Database>> in_memory(env::Env& env,
                                                     const std::vector<Migration>& migrations);
  virtual ~Database() = default;

  // A file that may become a database of a service: made one file without companions, read whole
  // and synced. kDataLoss with the first findings.
  static Result<void> check_file(env::Env& env, const std::string& path);

  // Runs `work` inside BEGIN IMMEDIATE on the writer thread and returns once it is committed and on
  // stable storage. An error from `work` rolls it back (its own savepoint: others of the same group
  // are not touched).
  template <class Fn>
  auto write(Fn&& work) -> std::invoke_result_t<Fn, Transaction&> {
    std::invoke_result_t<Fn, Transaction&> result = fail(Code::kInternal, "not run");
    Result<void> committed = write_erased([&](Transaction& tx) -> Result<void> {
      result = work(tx);
      if (!result) {
        return tl::unexpected(result.error());
      }
      return {};
    });
    if (!committed) {
      // Also when `work` succeeded and the commit did not, or when it threw.
      return tl::unexpected(std::move(committed).error());
    }
    return result;
  }

  // Runs `work` in a deferred transaction on a read-only connection: one consistent view.
  template <class Fn>
  auto read(Fn&& work) -> std::invoke_result_t<Fn, Transaction&> {
    std::optional<std::invoke_result_t<Fn, Transaction&>> result;
    Result<void> done = read_erased(
        [&](Transaction& tx) -> Result<void> {
          result.emplace(work(tx));
          return {};
        },
        View::kTransaction);
    if (!done) {
      return tl::unexpected(std::move(done).error());
    }
    return *std::move(result);
  }

  // One statement, which sees one state by itself: Transaction::query without the rest of `read`.
  template <class RowFn, class... Values>
  Result<void> query(std::string_view sql, RowFn&& row, const Values&... values) {
    return read_erased(
        [&](Transaction& tx) { return tx.query(sql, std::forward<RowFn>(row), values...); },
        View::kStatement);
  }

  // A verified copy of the live database: online backup in one step, hashed, row counts and schema
  // compared with the source, synced. `destination` must not exist.
  virtual Result<SnapshotReport> snapshot(const std::string& destination) = 0;
  // PRAGMA quick_check plus foreign_key_check; kDataLoss with the first findings.
  virtual Result<void> check() = 0;
  virtual Result<void> checkpoint() = 0;
  // How its replication stands; nothing when it has none.
  virtual std::optional<replica::Status> replica_status() const = 0;
  // kUnavailable while commits are not protected as configured, with what is wrong.
  Result<void> replica_health() const;
  // Every commit so far is in every mirror that can be written. kDeadlineExceeded after `timeout`.
  virtual Result<void> wait_until_replicated(std::chrono::milliseconds timeout) = 0;
  // The service ends: no write waits for a mirror any more, which is an error for those that must
  // (kUnavailable). To be called before one waits for the threads that write.
  virtual void stop_waiting() = 0;
  // Highest migration applied.
  virtual int schema_version() const = 0;

 protected:
  virtual Result<void> write_erased(const std::function<Result<void>(Transaction&)>& work) = 0;
  // What sees one state: all of `work`, or each statement of it.
  enum class View { kTransaction, kStatement };
  virtual Result<void> read_erased(const std::function<Result<void>(Transaction&)>& work,
                                   View view) = 0;
};

}  // namespace dsl::db
