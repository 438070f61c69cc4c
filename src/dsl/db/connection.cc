#include "dsl/db/connection.h"

#include <exception>

#include "dsl/db/sqlite_error.h"

namespace dsl::db {
namespace {

constexpr std::size_t kTextsMax = 256;  // texts built at run time must not fill the memory
constexpr std::size_t kIdlePerTextMax = 4;

// Checkpoints are the writer's alone, also at the end: a close must never write.
constexpr const char* kPragmas =
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA wal_autocheckpoint=0;";

// So that a text of several lines is one statement, however it ends.
std::string_view without_trailing_blanks(std::string_view sql) {
  const std::size_t last = sql.find_last_not_of(" \t\r\n");
  return sql.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

// SQLite counts what it allocates under one lock for the whole process, and nobody here asks.
void configure_sqlite() {
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)configured;
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(env::Env& env, const std::string& path,
                                                     Access access) {
  configure_sqlite();
  std::unique_ptr<Connection> connection(new Connection(std::make_unique<Vfs>(env), path));
  // NOMUTEX: a connection is confined to a thread at a time. NOFOLLOW is not set: an operator may
  // put the database elsewhere behind a link.
  const int flags = (access == Access::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int status =
      sqlite3_open_v2(path.c_str(), &connection->handle_, flags, connection->vfs_->name());
  if (status != SQLITE_OK) {
    return fail(connection->error(status));
  }
  sqlite3* handle = connection->handle_;
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  MC_TRY(connection->execute(kPragmas));
  MC_ASSIGN(connection->begin_, connection->compile("BEGIN"));
  MC_ASSIGN(connection->finish_, connection->compile("ROLLBACK"));
  return connection;
}

Connection::~Connection() {
  sqlite3_finalize(begin_);  // nothing, if there is none
  sqlite3_finalize(finish_);
  for (const auto& [sql, statements] : idle_) {
    for (sqlite3_stmt* statement : statements) {
      sqlite3_finalize(statement);
    }
  }
  const int status = sqlite3_close(handle_);
  MC_ASSERT(status == SQLITE_OK, "no statement outlives its connection");
}

Result<void> Connection::execute(std::string_view sql) {
  const std::string copy(sql);
  const int status = sqlite3_exec(handle_, copy.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) {
    return fail(error(status));
  }
  return {};
}

Result<std::int64_t> Connection::integer(std::string_view sql) {
  std::int64_t value = 0;
  Statement statement = prepare(sql);
  MC_TRY(statement.each([&](Row& row) -> Result<void> {
    value = row.integer(0);
    return {};
  }));
  return value;
}

Result<std::string> Connection::text(std::string_view sql) {
  std::string value;
  Statement statement = prepare(sql);
  MC_TRY(statement.each([&](Row& row) -> Result<void> {
    value = row.text(0);
    return {};
  }));
  return value;
}

Result<void> Connection::call(const Work& work) {
  Transaction transaction(*this);
  try {
    return work(transaction);
  } catch (const std::exception& thrown) {
    return fail(Code::kInternal, "{}: a transaction threw: {}", path_, thrown.what())
        .hint("what it wrote was rolled back; report it with the log of this service");
  } catch (...) {
    return fail(Code::kInternal, "{}: a transaction threw", path_)
        .hint("what it wrote was rolled back; report it with the log of this service");
  }
}

Result<void> Connection::in_snapshot(const Work& work) {
  if (in_transaction()) {
    return call(work);
  }
  MC_TRY(run(begin_));
  Result<void> result = call(work);
  if (in_transaction()) {
    Result<void> ended = run(finish_);
    if (result && !ended) {
      return ended;
    }
  }
  return result;
}

Result<void> Connection::run(sqlite3_stmt* statement) {
  const int status = sqlite3_step(statement);
  Result<void> result;
  if (status != SQLITE_DONE) {
    result = fail(error(status));
  }
  (void)sqlite3_reset(statement);  // the step has told its error
  return result;
}

Statement Connection::prepare(std::string_view sql) {
  sql = without_trailing_blanks(sql);
  auto idle = idle_.find(sql);
  if (idle != idle_.end() && !idle->second.empty()) {
    sqlite3_stmt* statement = idle->second.back();
    idle->second.pop_back();
    return {*this, statement, &idle->second};
  }
  Result<sqlite3_stmt*> compiled = compile(sql);
  if (!compiled) {
    return Statement(std::move(compiled).error());
  }
  if (idle == idle_.end() && idle_.size() < kTextsMax) {
    idle = idle_.emplace(sql, Statement::Idle()).first;
  }
  return {*this, *compiled, idle == idle_.end() ? nullptr : &idle->second};
}

Result<sqlite3_stmt*> Connection::compile(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int status = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  if (status != SQLITE_OK) {
    return fail(error(status)).context(sql);
  }
  if (statement == nullptr || !is_blank(sql.substr(static_cast<std::size_t>(tail - sql.data())))) {
    sqlite3_finalize(statement);
    return fail(Code::kInternal, "not one SQL statement: {}", sql);
  }
  return statement;
}

void Connection::give_back(sqlite3_stmt* statement, Statement::Idle* idle) {
  // The error of the last step, if any, was reported by that step.
  (void)sqlite3_reset(statement);
  (void)sqlite3_clear_bindings(statement);
  if (idle != nullptr && idle->size() < kIdlePerTextMax) {
    idle->push_back(statement);
  } else {
    sqlite3_finalize(statement);
  }
}

Error Connection::error(int status) const {
  return sqlite_error(handle_, status, path_, vfs_->take_error());
}

Statement Transaction::prepare(std::string_view sql) { return connection_.prepare(sql); }

std::int64_t Transaction::last_insert_id() const {
  return sqlite3_last_insert_rowid(connection_.handle());
}

std::int64_t Transaction::changes() const { return sqlite3_changes64(connection_.handle()); }

}  // namespace dsl::db
