#include "dsl/db/vfs_file.h"

#include <algorithm>
#include <atomic>
#include <span>

#include "dsl/db/snapshot.h"
#include "dsl/env/path.h"

namespace dsl::db {
namespace {

constexpr int kSectorBytes = 4096;

// The bytes that stand for locks on a database, https://www.sqlite.org/lockingv3.html. SQLite never
// uses the page they lie in.
constexpr std::uint64_t kPendingByte = 0x40000000;
constexpr std::uint64_t kReservedByte = kPendingByte + 1;
constexpr std::uint64_t kSharedFirst = kPendingByte + 2;
constexpr std::uint64_t kSharedBytes = 510;
constexpr std::uint64_t kAllBytes = kSharedFirst + kSharedBytes - kPendingByte;

}  // namespace

// What SQLite allocates and knows as sqlite3_file.
struct VfsFile::Handle {
  sqlite3_file base;
  VfsFile* file;
};

struct VfsFile::Calls {
  static VfsFile& self(sqlite3_file* handle) {
    return *reinterpret_cast<VfsFile::Handle*>(handle)->file;
  }

  // Out of memory ends the process, as everywhere: SQLite's frames cannot be unwound.
  template <auto kMethod, class... Args>
  static int call(sqlite3_file* handle, Args... args) noexcept {
    return (self(handle).*kMethod)(args...);
  }

  static int close(sqlite3_file* handle) noexcept {
    delete &self(handle);
    return SQLITE_OK;
  }
  static int sector_bytes(sqlite3_file*) noexcept { return kSectorBytes; }
  static int characteristics(sqlite3_file* handle) noexcept {
    return self(handle).powersafe_overwrite_ ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
  }
  static void barrier(sqlite3_file*) noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  // Version 2: with shared memory, without pages of the database mapped into it.
  static constexpr sqlite3_io_methods kMethods = {
      .iVersion = 2,
      .xClose = close,
      .xRead = call<&VfsFile::read>,
      .xWrite = call<&VfsFile::write>,
      .xTruncate = call<&VfsFile::truncate>,
      .xSync = call<&VfsFile::sync>,
      .xFileSize = call<&VfsFile::size>,
      .xLock = call<&VfsFile::lock>,
      .xUnlock = call<&VfsFile::unlock>,
      .xCheckReservedLock = call<&VfsFile::check_reserved_lock>,
      .xFileControl = call<&VfsFile::control>,
      .xSectorSize = sector_bytes,
      .xDeviceCharacteristics = characteristics,
      .xShmMap = call<&VfsFile::map_index>,
      .xShmLock = call<&VfsFile::lock_index>,
      .xShmBarrier = barrier,
      .xShmUnmap = call<&VfsFile::unmap_index>,
      .xFetch = nullptr,
      .xUnfetch = nullptr,
  };
};

int VfsFile::handle_bytes() { return sizeof(Handle); }

void VfsFile::make(sqlite3_file* handle, Vfs& vfs, std::unique_ptr<env::File> file,
                   std::string path, bool new_name) {
  reinterpret_cast<Handle*>(handle)->file =
      new VfsFile(vfs, std::move(file), std::move(path), new_name);
  handle->pMethods = &Calls::kMethods;
}

int VfsFile::read(void* out, int size, sqlite3_int64 offset) {
  std::span left(static_cast<std::byte*>(out), static_cast<std::size_t>(size));
  auto at = static_cast<std::uint64_t>(offset);
  while (!left.empty()) {
    Result<std::size_t> got = file_->read_at(at, left);
    if (!got) {
      return vfs_.report(std::move(got).error(), SQLITE_IOERR_READ);
    }
    if (*got == 0) {
      // SQLite counts on zeros behind the end.
      std::fill(left.begin(), left.end(), std::byte{0});
      return SQLITE_IOERR_SHORT_READ;
    }
    at += *got;
    left = left.subspan(*got);
  }
  return SQLITE_OK;
}

int VfsFile::write(const void* data, int size, sqlite3_int64 offset) {
  Result<void> written =
      file_->write_at(static_cast<std::uint64_t>(offset),
                      {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)});
  if (!written) {
    const bool full = written.error().code() == Code::kNoSpace;
    return vfs_.report(std::move(written).error(), full ? SQLITE_FULL : SQLITE_IOERR_WRITE);
  }
  return SQLITE_OK;
}

int VfsFile::truncate(sqlite3_int64 size) {
  Result<void> done = file_->truncate(static_cast<std::uint64_t>(size));
  return done ? SQLITE_OK : vfs_.report(std::move(done).error(), SQLITE_IOERR_TRUNCATE);
}

int VfsFile::sync(int) {
  if (Result<void> done = file_->sync_data(); !done) {
    return vfs_.report(std::move(done).error(), SQLITE_IOERR_FSYNC);
  }
  if (new_name_) {
    if (Result<void> done = vfs_.files().sync_directory(env::folder_of(path_)); !done) {
      return vfs_.report(std::move(done).error(), SQLITE_IOERR_DIR_FSYNC);
    }
    new_name_ = false;
  }
  return SQLITE_OK;
}

int VfsFile::size(sqlite3_int64* out) {
  Result<std::uint64_t> bytes = file_->size();
  if (!bytes) {
    return vfs_.report(std::move(bytes).error(), SQLITE_IOERR_FSTAT);
  }
  *out = static_cast<sqlite3_int64>(*bytes);
  return SQLITE_OK;
}

namespace {

// How SQLite asks for a switch: a negative value only reads it.
void ask_or_set(bool& value, void* argument) {
  int& asked = *static_cast<int*>(argument);
  if (asked < 0) {
    asked = value ? 1 : 0;
  } else {
    value = asked != 0;
  }
}

}  // namespace

int VfsFile::control(int what, void* argument) {
  switch (what) {
    case SQLITE_FCNTL_SIZE_HINT:
    case SQLITE_FCNTL_CHUNK_SIZE:
      return SQLITE_OK;
    case SQLITE_FCNTL_LOCKSTATE:
      *static_cast<int*>(argument) = lock_;
      return SQLITE_OK;
    case SQLITE_FCNTL_LAST_ERRNO:
      *static_cast<int*>(argument) = vfs_.last_errno();
      return SQLITE_OK;
    case SQLITE_FCNTL_PERSIST_WAL:
      ask_or_set(keep_wal_, argument);
      return SQLITE_OK;
    case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
      ask_or_set(powersafe_overwrite_, argument);
      return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME:
      *static_cast<char**>(argument) = sqlite3_mprintf("%s", vfs_.name());
      return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED: {
      Result<bool> moved = has_moved();
      if (!moved) {
        return vfs_.report(std::move(moved).error(), SQLITE_IOERR_FSTAT);
      }
      *static_cast<int*>(argument) = *moved ? 1 : 0;
      return SQLITE_OK;
    }
    default:
      return SQLITE_NOTFOUND;
  }
}

// Whether our path names another file by now, or none.
Result<bool> VfsFile::has_moved() {
  MC_ASSIGN(const env::FileInfo ours, file_->info());
  const Result<env::FileInfo> named = vfs_.files().stat(path_);
  if (!named && named.error().code() != Code::kNotFound) {
    return tl::unexpected(named.error());
  }
  return !named || named->inode != ours.inode;
}

int VfsFile::change_lock(std::uint64_t offset, std::uint64_t length, env::RangeLock kind,
                         int failure) {
  Result<bool> done = file_->lock_range(offset, length, kind);
  if (!done) {
    return vfs_.report(std::move(done).error(), failure);
  }
  return *done ? SQLITE_OK : SQLITE_BUSY;
}

int VfsFile::lock(int level) {
  if (level <= lock_) {
    return SQLITE_OK;
  }
  switch (level) {
    case SQLITE_LOCK_SHARED:
      return lock_shared();
    case SQLITE_LOCK_RESERVED: {
      MC_ASSERT(lock_ == SQLITE_LOCK_SHARED, "who reserves the database reads it");
      const int status =
          change_lock(kReservedByte, 1, env::RangeLock::kExclusive, SQLITE_IOERR_LOCK);
      if (status == SQLITE_OK) {
        lock_ = SQLITE_LOCK_RESERVED;
      }
      return status;
    }
    case SQLITE_LOCK_EXCLUSIVE:
      return lock_exclusive();
    default:
      MC_ASSERT(false, "SQLite asks for shared, reserved and exclusive locks");
  }
}

int VfsFile::lock_shared() {
  // The pending byte is a gate: while a writer waits behind it no new reader comes in.
  int status = change_lock(kPendingByte, 1, env::RangeLock::kShared, SQLITE_IOERR_LOCK);
  if (status != SQLITE_OK) {
    return status;
  }
  status = change_lock(kSharedFirst, kSharedBytes, env::RangeLock::kShared, SQLITE_IOERR_LOCK);
  const int left = change_lock(kPendingByte, 1, env::RangeLock::kNone, SQLITE_IOERR_UNLOCK);
  if (status == SQLITE_OK && left != SQLITE_OK) {
    // The first error is the one to report.
    (void)change_lock(kPendingByte, kAllBytes, env::RangeLock::kNone, SQLITE_IOERR_UNLOCK);
    return left;
  }
  if (status == SQLITE_OK) {
    lock_ = SQLITE_LOCK_SHARED;
  }
  return status;
}

int VfsFile::lock_exclusive() {
  MC_ASSERT(lock_ >= SQLITE_LOCK_SHARED, "who writes the database reads it");
  if (lock_ < SQLITE_LOCK_PENDING) {
    const int status = change_lock(kPendingByte, 1, env::RangeLock::kExclusive, SQLITE_IOERR_LOCK);
    if (status != SQLITE_OK) {
      return status;
    }
    lock_ = SQLITE_LOCK_PENDING;  // kept when readers are still inside
  }
  const int status =
      change_lock(kSharedFirst, kSharedBytes, env::RangeLock::kExclusive, SQLITE_IOERR_LOCK);
  if (status == SQLITE_OK) {
    lock_ = SQLITE_LOCK_EXCLUSIVE;
  }
  return status;
}

int VfsFile::unlock(int level) {
  MC_ASSERT(level <= SQLITE_LOCK_SHARED, "SQLite goes back to a shared lock or to none");
  if (lock_ <= level) {
    return SQLITE_OK;
  }
  int status = SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    status = change_lock(kSharedFirst, kSharedBytes, env::RangeLock::kShared, SQLITE_IOERR_RDLOCK);
    if (status == SQLITE_OK) {
      status = change_lock(kPendingByte, 2, env::RangeLock::kNone, SQLITE_IOERR_UNLOCK);
    }
  } else {
    status = change_lock(kPendingByte, kAllBytes, env::RangeLock::kNone, SQLITE_IOERR_UNLOCK);
  }
  if (status == SQLITE_OK) {
    lock_ = level;
  }
  return status;
}

int VfsFile::check_reserved_lock(int* reserved) {
  *reserved = 1;
  if (lock_ > SQLITE_LOCK_SHARED) {
    return SQLITE_OK;
  }
  Result<env::RangeLock> others = file_->others_lock(kReservedByte, 1);
  if (!others) {
    return vfs_.report(std::move(others).error(), SQLITE_IOERR_CHECKRESERVEDLOCK);
  }
  *reserved = *others != env::RangeLock::kNone ? 1 : 0;
  return SQLITE_OK;
}

int VfsFile::map_index(int region, int size, int extend, void volatile** out) {
  *out = nullptr;
  if (index_ == nullptr) {
    Result<std::unique_ptr<WalIndex>> opened = WalIndex::open(vfs_, path_);
    if (!opened) {
      return vfs_.report(std::move(opened).error(), SQLITE_CANTOPEN);
    }
    index_ = std::move(*opened);
  }
  return index_->map(region, size, extend != 0, out);
}

int VfsFile::lock_index(int first, int count, int flags) {
  return index_ != nullptr ? index_->lock(first, count, flags) : SQLITE_IOERR_SHMLOCK;
}

int VfsFile::unmap_index(int remove) {
  if (index_ != nullptr && remove != 0) {
    index_->remove();
  }
  index_.reset();
  return SQLITE_OK;
}

}  // namespace dsl::db
