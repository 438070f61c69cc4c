// An open file as SQLite sees it. Private to dsl::db.
#pragma once

#include <memory>
#include <string>

#include <sqlite3.h>

#include "dsl/db/vfs.h"
#include "dsl/db/wal_index.h"
#include "dsl/env/file_system.h"

namespace dsl::db {

// The sqlite3_io_methods of database, journal, log and temporary files; see
// https://www.sqlite.org/c3ref/io_methods.html. They return SQLite's status codes and leave the
// error behind them with the Vfs.
//
// It says of itself what the unix VFS does: sectors of 4096 bytes, and "powersafe overwrite": a
// write that is cut off changes no byte outside of its range. Disks keep that; the memory file
// system of the tests does too.
//
// Confined to its connection.
class VfsFile {
 public:
  // What SQLite must allocate for `handle`.
  static int handle_bytes();
  // Makes `handle` one of `file`, until SQLite closes it. `new_name`: the name of the file may not
  // be durable yet, and is to be so with the first sync.
  static void make(sqlite3_file* handle, Vfs& vfs, std::unique_ptr<env::File> file,
                   std::string path, bool new_name);

 private:
  struct Handle;
  struct Calls;
  VfsFile(Vfs& vfs, std::unique_ptr<env::File> file, std::string path, bool new_name)
      : vfs_(vfs), file_(std::move(file)), path_(std::move(path)), new_name_(new_name) {}

  int read(void* out, int size, sqlite3_int64 offset);
  int write(const void* data, int size, sqlite3_int64 offset);
  int truncate(sqlite3_int64 size);
  int sync(int flags);
  int size(sqlite3_int64* out);
  int control(int what, void* argument);

  int lock(int level);
  int unlock(int level);
  int check_reserved_lock(int* reserved);
  int lock_shared();
  int lock_exclusive();
  int change_lock(std::uint64_t offset, std::uint64_t length, env::RangeLock kind, int failure);
  Result<bool> has_moved();

  int map_index(int region, int size, int extend, void volatile** out);
  int lock_index(int first, int count, int flags);
  int unmap_index(int remove);

  Vfs& vfs_;
  std::unique_ptr<env::File> file_;
  const std::string path_;
  bool new_name_;
  bool keep_wal_ = false;
  bool powersafe_overwrite_ = true;
  int lock_ = SQLITE_LOCK_NONE;
  std::unique_ptr<WalIndex> index_;  // of a database in WAL mode
};

}  // namespace dsl::db
