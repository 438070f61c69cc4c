#include "dsl/db/sqlite_error.h"

#include <cerrno>

#include <sqlite3.h>

#include "dsl/env/errno_error.h"

namespace dsl::db {
namespace {

Error make(Code code, const std::string& path, std::string_view message, std::string hint) {
  Error error(code, text("{}: {}", path, message));
  error.set_hint(std::move(hint));
  return error;
}

std::string constraint_hint(int status) {
  switch (status) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return "a row with that key exists already";
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return "what it refers to does not exist, or is still referred to";
    case SQLITE_CONSTRAINT_NOTNULL:
      return "the column named must have a value";
    default:
      return "the value is outside of what the table allows";
  }
}

// SQLite itself knows only that it went wrong.
Error system_error(const std::optional<Error>& cause, const std::string& path,
                   std::string_view action) {
  return cause ? *cause : env::errno_error(EIO, action, path);
}

// A quota or a limit of the process has a next step of its own.
std::string full_hint(const std::optional<Error>& cause, const std::string& path) {
  return cause && cause->code() == Code::kNoSpace
             ? cause->hint()
             : text("free space on the file system that holds {}; writes then work again", path);
}

}  // namespace

Error sqlite_error(sqlite3* handle, int status, const std::string& path,
                   const std::optional<Error>& cause) {
  const std::string_view message =
      handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(status);
  const int extended = handle != nullptr ? sqlite3_extended_errcode(handle) : status;
  switch (status & 0xff) {
    case SQLITE_FULL:
      return make(Code::kNoSpace, path, message, full_hint(cause, path));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return make(Code::kPermissionDenied, path, message,
                  text("check owner and mode of {} and of its folder, and that the file system is "
                       "mounted for writing",
                       path));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return damaged_error(path, message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make(Code::kUnavailable, path, message,
                  text("another process holds it; `fuser -v {}` shows which", path));
    case SQLITE_CONSTRAINT:
      return make(Code::kConflict, path, message, constraint_hint(extended));
    case SQLITE_IOERR:
      return system_error(cause, path, "read or write");
    case SQLITE_CANTOPEN:
      return system_error(cause, path, "open");
    case SQLITE_NOMEM:
      return make(Code::kUnavailable, path, message, "give the process more memory");
    case SQLITE_TOOBIG:
      return make(Code::kTooLarge, path, message, "a value holds at most 1 GB");
    case SQLITE_INTERRUPT:
      return make(Code::kCancelled, path, message, "try again");
    default:
      return make(Code::kInternal, path, message, "report it with the log of this service");
  }
}

Error damaged_error(const std::string& path, std::string_view finding) {
  return make(Code::kDataLoss, path, finding,
              text("nothing was changed; keep a copy of {} and of the -wal file beside it, "
                   "then put back a snapshot with the `restore` command of the service",
                   path));
}

}  // namespace dsl::db
