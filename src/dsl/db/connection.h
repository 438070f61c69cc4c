// One SQLite connection with its cache of prepared statements. Private to dsl::db.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sqlite3.h>

#include "dsl/db/database.h"
#include "dsl/db/statement.h"
#include "dsl/db/vfs.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace dsl::db {

enum class Access {
  kReadWrite,  // the file must exist
  kReadOnly,
};

constexpr int kBusyTimeoutMs = 5000;

using Work = std::function<Result<void>(Transaction&)>;

// Confined to one thread at a time.
class Connection {
 public:
  // On the files of `env`, which must outlive it.
  static Result<std::unique_ptr<Connection>> open(env::Env& env, const std::string& path,
                                                  Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Statements without results, such as pragmas and migrations.
  Result<void> execute(std::string_view sql);
  // One statement that is run again and again, kept prepared.
  Result<void> run(std::string_view sql) { return prepare(sql).run(); }
  // First column of the first row.
  Result<std::int64_t> integer(std::string_view sql);
  Result<std::string> text(std::string_view sql);

  // Runs `work`, in the transaction that the caller has begun if there is one. What it throws is
  // kInternal.
  Result<void> call(const Work& work);
  // Runs `work` in a transaction that sees one state and ends without changes; within one that is
  // open already, it joins that.
  Result<void> in_snapshot(const Work& work);
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

  // How long statements and checkpoints wait for others; kBusyTimeoutMs unless set.
  void set_busy_timeout(int wait_ms) { sqlite3_busy_timeout(handle_, wait_ms); }

  Statement prepare(std::string_view sql);
  Error error(int status) const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }

 private:
  friend class Statement;
  Connection(std::unique_ptr<Vfs> vfs, std::string path)
      : vfs_(std::move(vfs)), path_(std::move(path)) {}
  Result<sqlite3_stmt*> compile(std::string_view sql);
  Result<void> run(sqlite3_stmt* statement);
  static void give_back(sqlite3_stmt* statement, Statement::Idle* idle);

  // Lets a view be looked up without making a string of it.
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  std::unique_ptr<Vfs> vfs_;  // closed after the handle
  sqlite3* handle_ = nullptr;
  std::string path_;
  // By text; several, as a statement may run inside itself.
  std::unordered_map<std::string, Statement::Idle, TextHash, std::equal_to<>> idle_;
  sqlite3_stmt* begin_ = nullptr;   // of in_snapshot, which every read runs
  sqlite3_stmt* finish_ = nullptr;  // likewise
};

}  // namespace dsl::db
