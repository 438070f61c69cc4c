#include "dsl/db/statement.h"

#include <sqlite3.h>

#include "dsl/db/connection.h"

namespace dsl::db {

std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Row::number(int column) const { return sqlite3_column_double(statement_, column); }

std::string Row::text(int column) const {
  // The text first: asking for it may convert the value and so change its size.
  const unsigned char* data = sqlite3_column_text(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr
             ? std::string()
             : std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

Blob Row::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

env::WallTime Row::time(int column) const {
  return env::WallTime(std::chrono::milliseconds(integer(column)));
}

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::int64_t> Row::optional_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}

std::optional<std::string> Row::optional_text(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      idle_(other.idle_),
      error_(std::move(other.error_)) {}

Statement::~Statement() {
  if (statement_ != nullptr) {
    Connection::give_back(statement_, idle_);
  }
}

void Statement::bind(int index, std::int64_t value) {
  check_bind(statement_ == nullptr ? SQLITE_OK : sqlite3_bind_int64(statement_, index, value));
}

void Statement::bind(int index, double value) {
  check_bind(statement_ == nullptr ? SQLITE_OK : sqlite3_bind_double(statement_, index, value));
}

void Statement::bind(int index, std::string_view value) {
  // An empty view may have no data, which SQLite would take for NULL.
  const char* data = value.data() == nullptr ? "" : value.data();
  check_bind(statement_ == nullptr ? SQLITE_OK
                                   : sqlite3_bind_text64(statement_, index, data, value.size(),
                                                         SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, Blob value) {
  const void* data = value.data() == nullptr ? static_cast<const void*>("") : value.data();
  check_bind(statement_ == nullptr
                 ? SQLITE_OK
                 : sqlite3_bind_blob64(statement_, index, data, value.size(), SQLITE_TRANSIENT));
}

void Statement::bind(int index, env::WallTime value) {
  bind(index, static_cast<std::int64_t>(value.time_since_epoch().count()));
}

void Statement::bind(int index, std::nullopt_t) {
  check_bind(statement_ == nullptr ? SQLITE_OK : sqlite3_bind_null(statement_, index));
}

void Statement::expect_bound(int count) const {
  MC_ASSERT(statement_ == nullptr || sqlite3_bind_parameter_count(statement_) == count,
            "every placeholder of the statement is bound");
}

void Statement::check_bind(int status) {
  MC_ASSERT(status != SQLITE_RANGE, "the placeholder exists");
  MC_ASSERT(status != SQLITE_MISUSE, "binding comes before the first step");
  if (status != SQLITE_OK && !error_) {
    error_ = connection_->error(status);
  }
}

Result<bool> Statement::step() {
  if (error_) {
    return tl::unexpected(*error_);
  }
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) {
    return true;
  }
  if (status == SQLITE_DONE) {
    return false;
  }
  return fail(connection_->error(status));
}

Result<void> Statement::run() {
  return each([](Row&) -> Result<void> { return {}; });
}

Result<void> Statement::each(const std::function<Result<void>(Row&)>& row) {
  Result<void> result;
  while (result) {
    const Result<bool> more = step();
    if (!more) {
      result = tl::unexpected(more.error());
    } else if (*more) {
      Row current(statement_);
      result = row(current);
    } else {
      break;
    }
  }
  if (statement_ != nullptr) {
    // Ready to be bound and run again; the error, if any, is in `result`.
    (void)sqlite3_reset(statement_);
  }
  return result;
}

}  // namespace dsl::db
