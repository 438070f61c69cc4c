// The -shm file: the index of a log in memory that all connections share. Private to dsl::db.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/db/vfs.h"
#include "dsl/env/file_system.h"

namespace dsl::db {

// What one connection has open of it. Layout and locks are those of SQLite's unix VFS
// (https://www.sqlite.org/walformat.html, section 2): lock n of the eight is byte 120 + n, and byte
// 128 is held by everyone who has the file open. Who finds that byte free comes first after a
// restart or a power cut, and empties the file: what is left in it may be of a log long gone.
//
// Confined to its connection.
class WalIndex {
 public:
  static Result<std::unique_ptr<WalIndex>> open(Vfs& vfs, const std::string& database);

  // The methods return SQLite's status codes. `out` is null for a region that nobody has made yet,
  // unless `extend` says to make it.
  int map(int region, int size, bool extend, void volatile** out);
  int lock(int first, int count, int flags);
  // Removes the name; for the last one who uses the log.
  void remove();

 private:
  WalIndex(Vfs& vfs, std::unique_ptr<env::File> file, std::string path, bool writable)
      : vfs_(vfs), file_(std::move(file)), path_(std::move(path)), writable_(writable) {}
  int join();
  int change_lock(std::uint64_t first, std::uint64_t count, env::RangeLock kind);
  Result<bool> has(std::uint64_t size, bool extend);

  Vfs& vfs_;
  std::unique_ptr<env::File> file_;
  const std::string path_;
  const bool writable_;
  bool joined_ = false;
  std::vector<std::unique_ptr<env::Mapping>> regions_;
};

}  // namespace dsl::db
