// Files behind one seam, so that tests can put a crash at every write boundary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"

namespace dsl::env {

enum class FileKind { kRegular, kDirectory, kSymlink, kSocket, kOther };

struct FileInfo {
  FileKind kind = FileKind::kRegular;
  std::uint64_t size_bytes = 0;
  std::uint32_t mode = 0;  // permission bits only
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t inode = 0;
  WallTime modified{};
  // Nanoseconds since the epoch: of the content, and of content or metadata. The second cannot be
  // set back by a program, so a file that differs has another one.
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
};

enum class OpenMode {
  kRead,
  kReadWrite,  // must exist
  kCreate,     // made when missing, kept when there
  kCreateNew,  // kAlreadyExists when there
  kTruncate,   // made or emptied
  kAppend,     // made when missing; every write goes to the end, whatever its offset
};

// What an open file may hold on a range of bytes.
enum class RangeLock {
  kNone,
  kShared,     // any number of them at a time
  kExclusive,  // alone
};

// Bytes of a file as memory that everyone has who maps them. Unmapped by its destructor; may
// outlive the file it came from. Order among threads and processes is up to those who use it.
class Mapping {
 public:
  virtual ~Mapping() = default;

  // Of a file that was opened for reading they must not be written.
  virtual std::span<std::byte> bytes() = 0;
};

// An open file. Confined to one thread at a time. Closed by its destructor, which drops its locks.
class File {
 public:
  virtual ~File() = default;

  // Bytes read, 0 at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
  // Writes all of `data` or fails.
  virtual Result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) = 0;
  virtual Result<void> truncate(std::uint64_t size_bytes) = 0;
  // Data and metadata are on stable storage when it returns.
  virtual Result<void> sync() = 0;
  // As `sync`, without the metadata that reading the data back does not need, such as times.
  virtual Result<void> sync_data() = 0;
  virtual Result<std::uint64_t> size() = 0;
  // Of the file itself, whatever its path names by now.
  virtual Result<FileInfo> info() = 0;

  // Makes `kind` what this open file holds on the range, without waiting; false, and all as before,
  // when another open file has a lock there that does not go with it. Locks belong to the open
  // file: two of one process exclude each other as those of two processes do. They are advisory,
  // and go together with the record locks (fcntl) of other programs, except those of this very
  // process on the same file, which closing any of its descriptors drops. An exclusive lock needs a
  // file that is open for writing. The range may lie beyond the end of the file.
  virtual Result<bool> lock_range(std::uint64_t offset, std::uint64_t length, RangeLock kind) = 0;
  // What another open file holds in the range; of several locks there one of them.
  virtual Result<RangeLock> others_lock(std::uint64_t offset, std::uint64_t length) = 0;

  // The range as memory. It must lie inside the file, and the file must not become shorter while it
  // is mapped: touching what is cut off ends the process.
  virtual Result<std::unique_ptr<Mapping>> map_shared(std::uint64_t offset, std::size_t length) = 0;
};

// Held until destroyed; the kernel drops it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Thread-safe. Paths are absolute or relative to the working directory. Errors: kNotFound,
// kPermissionDenied, kAlreadyExists, kNoSpace, else kUnavailable; each names the path.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                             std::uint32_t permissions = 0600) = 0;
  // `follow` = false describes a symbolic link itself.
  virtual Result<FileInfo> stat(const std::string& path, bool follow = true) = 0;
  // Names without "." and "..", sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;  // file, link or empty directory
  // Makes missing parents too; an existing directory is success. What it made is durable.
  virtual Result<void> make_directories(const std::string& path, std::uint32_t permissions) = 0;
  virtual Result<void> set_mode(const std::string& path, std::uint32_t permissions) = 0;
  // Of the superuser only, else kPermissionDenied.
  virtual Result<void> set_owner(const std::string& path, std::uint32_t uid, std::uint32_t gid) = 0;
  // Makes renames and removals inside `path` durable.
  virtual Result<void> sync_directory(const std::string& path) = 0;
  // An exclusive lock on `path` (made when missing) with `note` as its content, so that a second
  // process can say who holds it. kConflict with that note when it is held.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                                 std::string_view note) = 0;
  // The same file's path with every symbolic link followed. kNotFound when there is no such file.
  virtual Result<std::string> canonical(const std::string& path) = 0;
  // Bytes free for this user where `path` lies.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;

  Result<bool> exists(const std::string& path);
  // kTooLarge beyond `max_bytes`.
  Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 16u << 20);
  // The one way to write a whole file: temporary file beside it, sync, rename, sync of the
  // directory. A power cut at any byte leaves the old or the new file.
  Result<void> write_file(const std::string& path, std::string_view content,
                          std::uint32_t permissions = 0644);
};

}  // namespace dsl::env
