#include "dsl/db/vfs.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "dsl/db/snapshot.h"
#include "dsl/db/vfs_file.h"
#include "dsl/env/path.h"

namespace dsl::db {
namespace {

constexpr int kPathBytesMax = 4096;
constexpr sqlite3_int64 kEpochJulianMs = 210'866'760'000'000;  // 1970 as a Julian day, times a day

// Those of which a name that is lost in a power cut would undo a commit.
constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;

std::string unique_name() {
  static std::atomic<std::uint64_t> counter{0};
  return text("dsl-{}", counter++);
}

env::OpenMode mode_of(int flags) {
  if ((flags & SQLITE_OPEN_READWRITE) == 0) {
    return env::OpenMode::kRead;
  }
  if ((flags & SQLITE_OPEN_CREATE) == 0) {
    return env::OpenMode::kReadWrite;
  }
  return (flags & SQLITE_OPEN_EXCLUSIVE) != 0 ? env::OpenMode::kCreateNew : env::OpenMode::kCreate;
}

// "x.db-wal" and "x.db-journal" belong to "x.db".
std::string database_of(const std::string& companion) {
  return companion.substr(0, companion.rfind('-'));
}

}  // namespace

// Out of memory ends the process, as everywhere: SQLite's frames cannot be unwound.
struct Vfs::Calls {
  static Vfs& self(sqlite3_vfs* table) { return *static_cast<Vfs*>(table->pAppData); }

  static int open(sqlite3_vfs* table, const char* name, sqlite3_file* handle, int flags,
                  int* flags_out) noexcept {
    return self(table).open(name, handle, flags, flags_out);
  }
  static int remove(sqlite3_vfs* table, const char* path, int sync_folder) noexcept {
    return self(table).remove(path, sync_folder);
  }
  static int access(sqlite3_vfs* table, const char* path, int, int* there) noexcept {
    return self(table).access(path, there);
  }
  static int full_path(sqlite3_vfs* table, const char* path, int size_max, char* out) noexcept {
    return self(table).full_path(path, size_max, out);
  }
  static int random(sqlite3_vfs* table, int size, char* out) noexcept {
    self(table).env_.random().fill(
        std::as_writable_bytes(std::span(out, static_cast<std::size_t>(size))));
    return size;
  }
  // Real time, also where the clock is a test's: who waits for a lock waits for another thread or
  // process, and that one does not get on by our moving a clock.
  static int sleep(sqlite3_vfs*, int microseconds) noexcept {
    env::Clock& clock = env::system_env().clock();
    clock.sleep_until(clock.mono_now() + std::chrono::microseconds(microseconds));
    return microseconds;
  }
  static int now(sqlite3_vfs* table, sqlite3_int64* julian_ms) noexcept {
    *julian_ms = kEpochJulianMs + self(table).env_.clock().now().time_since_epoch().count();
    return SQLITE_OK;
  }
  static int last_error(sqlite3_vfs* table, int, char*) noexcept {
    return self(table).last_errno();
  }
};

Vfs::Vfs(env::Env& env) : env_(env), files_(env.files()), name_(unique_name()) {
  table_.iVersion = 2;
  table_.szOsFile = VfsFile::handle_bytes();
  table_.mxPathname = kPathBytesMax;
  table_.zName = name_.c_str();
  table_.pAppData = this;
  table_.xOpen = Calls::open;
  table_.xDelete = Calls::remove;
  table_.xAccess = Calls::access;
  table_.xFullPathname = Calls::full_path;
  // None to load shared objects: no connection of ours may.
  table_.xRandomness = Calls::random;
  table_.xSleep = Calls::sleep;
  table_.xGetLastError = Calls::last_error;
  table_.xCurrentTimeInt64 = Calls::now;
  MC_ASSERT(sqlite3_vfs_register(&table_, 0) == SQLITE_OK, "a new name can be registered");
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&table_); }

std::optional<Error> Vfs::take_error() { return std::exchange(error_, std::nullopt); }

int Vfs::report(Error error, int status) {
  error_ = std::move(error);
  return status;
}

Result<std::unique_ptr<env::File>> Vfs::open_companion(const std::string& path,
                                                       const std::string& database) {
  env::FileInfo wanted;
  wanted.mode = 0600;
  const Result<env::FileInfo> of_database = files_.stat(database);
  if (of_database) {
    wanted = *of_database;
  }
  MC_ASSIGN(auto file, files_.open(path, env::OpenMode::kCreate, wanted.mode & 0777u));
  MC_ASSIGN(const env::FileInfo info, file->info());
  if (!of_database || info.size_bytes > 0) {
    return file;
  }
  // Made by root, or with a umask, it would shut out the one whose database it is. Who cannot
  // change it leaves it: the service must run on such file systems too.
  if (info.uid != wanted.uid || info.gid != wanted.gid) {
    (void)files_.set_owner(path, wanted.uid, wanted.gid);
  }
  if ((info.mode & 0777u) != (wanted.mode & 0777u)) {
    (void)files_.set_mode(path, wanted.mode & 0777u);
  }
  return file;
}

int Vfs::open(const char* name, sqlite3_file* handle, int flags, int* flags_out) {
  handle->pMethods = nullptr;  // until it is open
  if (database_.empty() && name != nullptr) {
    database_ = name;
  }
  const std::string path = name != nullptr ? std::string(name) : temporary_name();
  const bool makes_journal = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
  Result<std::unique_ptr<env::File>> file = open_file(path, flags);
  if (!file && file.error().code() == Code::kPermissionDenied &&
      (flags & SQLITE_OPEN_READWRITE) != 0) {
    const Result<bool> exists = files_.exists(path);
    if (makes_journal && exists && !*exists) {
      return report(std::move(file).error(), SQLITE_READONLY_DIRECTORY);
    }
    flags &= ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    flags |= SQLITE_OPEN_READONLY;
    file = files_.open(path, env::OpenMode::kRead);
  }
  if (!file) {
    return report(std::move(file).error(), SQLITE_CANTOPEN);
  }
  if ((flags & SQLITE_OPEN_DELETEONCLOSE) != 0) {
    // At once, so that nothing is left when the process dies.
    if (Result<void> removed = files_.remove(path); !removed) {
      return report(std::move(removed).error(), SQLITE_CANTOPEN);
    }
  }
  if (flags_out != nullptr) {
    *flags_out = flags;
  }
  VfsFile::make(handle, *this, std::move(*file), path, makes_journal);
  return SQLITE_OK;
}

Result<std::unique_ptr<env::File>> Vfs::open_file(const std::string& path, int flags) {
  const env::OpenMode mode = mode_of(flags);
  if (mode == env::OpenMode::kCreate && (flags & kJournals) != 0) {
    return open_companion(path, database_of(path));
  }
  return files_.open(path, mode, 0600);
}

std::string Vfs::temporary_name() {
  MC_ASSERT(!database_.empty(), "a temporary file belongs to a database");
  return text("{}.temp-{}", database_, env_.random().hex(8));
}

int Vfs::remove(const char* path, int sync_folder) {
  Result<void> removed = files_.remove(path);
  if (!removed) {
    // Often no failure to SQLite: it removes what may not be there.
    return removed.error().code() == Code::kNotFound
               ? SQLITE_IOERR_DELETE_NOENT
               : report(std::move(removed).error(), SQLITE_IOERR_DELETE);
  }
  if (sync_folder != 0) {
    if (Result<void> synced = files_.sync_directory(env::folder_of(path)); !synced) {
      return report(std::move(synced).error(), SQLITE_IOERR_DIR_FSYNC);
    }
  }
  return SQLITE_OK;
}

// An empty file counts as none, as in the unix VFS: an empty journal has nothing to play back.
int Vfs::access(const char* path, int* there) {
  *there = 0;
  Result<env::FileInfo> info = files_.stat(path);
  if (info) {
    *there = info->kind != env::FileKind::kRegular || info->size_bytes > 0 ? 1 : 0;
    return SQLITE_OK;
  }
  if (info.error().code() == Code::kNotFound || info.error().code() == Code::kPermissionDenied) {
    return SQLITE_OK;
  }
  // A journal that cannot be seen must not pass for one that is not there.
  return report(std::move(info).error(), SQLITE_IOERR_ACCESS);
}

// Of the file itself where `path` is a link: its companions lie beside it, not beside the link.
int Vfs::full_path(const char* path, int size_max, char* out) {
  Result<std::string> full = files_.canonical(path);
  if (!full && full.error().code() == Code::kNotFound) {
    const std::string folder = env::folder_of(path);
    full = files_.canonical(folder);
    if (full) {
      const std::string name = env::name_of(path);
      *full += (full->ends_with('/') ? "" : "/") + name;
    }
  }
  if (!full) {
    return report(std::move(full).error(), SQLITE_CANTOPEN_FULLPATH);
  }
  if (full->size() >= static_cast<std::size_t>(size_max)) {
    return report(Error(Code::kInvalidArgument, text("{} is too long for a path", *full)),
                  SQLITE_CANTOPEN_FULLPATH);
  }
  *std::copy(full->begin(), full->end(), out) = '\0';
  return SQLITE_OK;
}

int Vfs::last_errno() const {
  if (!error_) {
    return 0;
  }
  switch (error_->code()) {
    case Code::kNotFound:
      return ENOENT;
    case Code::kPermissionDenied:
      return EACCES;
    case Code::kAlreadyExists:
      return EEXIST;
    case Code::kNoSpace:
      return ENOSPC;
    default:
      return EIO;
  }
}

}  // namespace dsl::db
