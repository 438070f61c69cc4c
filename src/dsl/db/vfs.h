// SQLite on the files of an Env, so that whatever lies under those lies under the database too.
// Private to dsl::db.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <sqlite3.h>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace dsl::db {

// The sqlite3_vfs of one connection, registered with SQLite under a name of its own for as long as
// it lives; must outlive the connection, and `env` must outlive it.
//
// Locks, the shared memory of a log and the names of companions are those of SQLite's own unix VFS:
// a `sqlite3` shell may use the same database at the same time, from another process. Not from this
// one: the record locks of the unix VFS end when anybody in the process closes the file.
//
// Each connection has open files of its own, and its locks belong to them: there is no state of the
// process. Temporary files lie beside the database, where a service may write and there is room;
// they have no name once they are open.
//
// Confined to its connection.
class Vfs {
 public:
  explicit Vfs(env::Env& env);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const char* name() const { return name_.c_str(); }
  // Why the last call failed that did, unless that was asked before: SQLite passes numbers only.
  std::optional<Error> take_error();

  // For the files of this VFS: remembers `error` and returns `status`.
  int report(Error error, int status);
  env::FileSystem& files() { return files_; }
  // The number of the last error that take_error would give, or one like it; 0 for none.
  int last_errno() const;
  // Opens or makes a file that belongs to a database, for the same owner and with the same mode.
  Result<std::unique_ptr<env::File>> open_companion(const std::string& path,
                                                    const std::string& database);

 private:
  // The callbacks of SQLite's table; see https://www.sqlite.org/c3ref/vfs.html
  struct Calls;
  int open(const char* name, sqlite3_file* handle, int flags, int* flags_out);
  int remove(const char* path, int sync_folder);
  int access(const char* path, int* there);
  int full_path(const char* path, int size_max, char* out);

  Result<std::unique_ptr<env::File>> open_file(const std::string& path, int flags);
  std::string temporary_name();

  env::Env& env_;
  env::FileSystem& files_;
  const std::string name_;
  std::string database_;  // the first file opened
  std::optional<Error> error_;
  sqlite3_vfs table_{};
};

}  // namespace dsl::db
