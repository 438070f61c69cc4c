// A prepared statement with typed binding and columns. Confined to its transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"

struct sqlite3_stmt;

namespace dsl::db {

using Blob = std::span<const std::byte>;

// One result row; columns are numbered from 0. Views are valid until the next step. Reading a
// column of another type converts as SQLite does; NULL reads as 0 or "".
class Row {
 public:
  std::int64_t integer(int column) const;
  double number(int column) const;
  bool boolean(int column) const { return integer(column) != 0; }
  std::string text(int column) const;
  Blob blob(int column) const;
  env::WallTime time(int column) const;  // stored as milliseconds since the epoch
  bool is_null(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<std::string> optional_text(int column) const;

 private:
  friend class Statement;
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_;
};

class Connection;

class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();  // resets; the prepared form stays cached in the connection

  // Binds every placeholder in order; a count mismatch is asserted.
  template <class... Values>
  void bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    expect_bound(index);
  }
  void bind(int index, std::int64_t value);
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, bool value) { bind(index, static_cast<std::int64_t>(value ? 1 : 0)); }
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, Blob value);
  void bind(int index, env::WallTime value);
  void bind(int index, std::nullopt_t);
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    value ? bind(index, *value) : bind(index, std::nullopt);
  }

  Result<void> run();
  Result<void> each(const std::function<Result<void>(Row&)>& row);

 private:
  friend class Connection;
  using Idle = std::vector<sqlite3_stmt*>;  // of one text, prepared and not in use
  Statement(Connection& connection, sqlite3_stmt* statement, Idle* idle)
      : connection_(&connection), statement_(statement), idle_(idle) {}
  explicit Statement(Error prepare_error) : error_(std::move(prepare_error)) {}
  void expect_bound(int count) const;
  void check_bind(int status);
  // One step: whether there is a row.
  Result<bool> step();

  Connection* connection_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  Idle* idle_ = nullptr;        // the connection's, where it goes back to; none: it is finalized
  std::optional<Error> error_;  // why it could not be prepared or bound; returned by run and each
};

}  // namespace dsl::db
