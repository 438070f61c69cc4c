#include "dsl/db/wal_index.h"

namespace dsl::db {
namespace {

constexpr std::uint64_t kLocksFirst = 120;
constexpr std::uint64_t kUsersByte = kLocksFirst + SQLITE_SHM_NLOCK;
// Less than a header, and not nothing: who looks at the file sees that it was emptied on purpose.
constexpr std::uint64_t kEmptyBytes = 3;

}  // namespace

Result<std::unique_ptr<WalIndex>> WalIndex::open(Vfs& vfs, const std::string& database) {
  const std::string path = database + "-shm";
  bool writable = true;
  Result<std::unique_ptr<env::File>> file = vfs.open_companion(path, database);
  if (!file && file.error().code() == Code::kPermissionDenied) {
    writable = false;
    file = vfs.files().open(path, env::OpenMode::kRead);
  }
  if (!file) {
    return tl::unexpected(std::move(file).error());
  }
  return std::unique_ptr<WalIndex>(new WalIndex(vfs, std::move(*file), path, writable));
}

int WalIndex::map(int region, int size, bool extend, void volatile** out) {
  if (!joined_) {
    if (const int status = join(); status != SQLITE_OK) {
      return status;
    }
    joined_ = true;
  }
  const auto region_bytes = static_cast<std::size_t>(size);
  while (regions_.size() <= static_cast<std::size_t>(region)) {
    const std::uint64_t offset = regions_.size() * region_bytes;
    Result<bool> there = has(offset + region_bytes, extend);
    if (!there) {
      return vfs_.report(std::move(there).error(), SQLITE_IOERR_SHMSIZE);
    }
    if (!*there) {
      return writable_ ? SQLITE_OK : SQLITE_READONLY;
    }
    Result<std::unique_ptr<env::Mapping>> mapping = file_->map_shared(offset, region_bytes);
    if (!mapping) {
      return vfs_.report(std::move(mapping).error(), SQLITE_IOERR_SHMMAP);
    }
    regions_.push_back(std::move(*mapping));
  }
  *out = regions_[static_cast<std::size_t>(region)]->bytes().data();
  return writable_ ? SQLITE_OK : SQLITE_READONLY;
}

// Whether the file has `size` bytes. To extend it holds the lock of a writer: nobody else does.
Result<bool> WalIndex::has(std::uint64_t size, bool extend) {
  MC_ASSIGN(const std::uint64_t old_size, file_->size());
  if (old_size >= size) {
    return true;
  }
  if (!extend) {
    return false;
  }
  // Written, not only made longer: on a full disk this fails, while touching a mapped page for
  // which there is no room would end the process.
  const std::vector<std::byte> zeros(static_cast<std::size_t>(size - old_size));
  MC_TRY(file_->write_at(old_size, zeros));
  return true;
}

int WalIndex::join() {
  Result<env::RangeLock> others = file_->others_lock(kUsersByte, 1);
  if (!others) {
    return vfs_.report(std::move(others).error(), SQLITE_IOERR_LOCK);
  }
  if (*others == env::RangeLock::kExclusive) {
    return SQLITE_BUSY;  // somebody is emptying it; SQLite tries again
  }
  if (*others == env::RangeLock::kNone) {
    if (!writable_) {
      return SQLITE_READONLY_CANTINIT;
    }
    if (const int status = change_lock(kUsersByte, 1, env::RangeLock::kExclusive);
        status != SQLITE_OK) {
      return status;
    }
    if (Result<void> emptied = file_->truncate(kEmptyBytes); !emptied) {
      // Not left to the end of the connection: others shall be able to try.
      (void)change_lock(kUsersByte, 1, env::RangeLock::kNone);
      return vfs_.report(std::move(emptied).error(), SQLITE_IOERR_SHMOPEN);
    }
  }
  return change_lock(kUsersByte, 1, env::RangeLock::kShared);
}

int WalIndex::lock(int first, int count, int flags) {
  env::RangeLock kind = env::RangeLock::kNone;
  if ((flags & SQLITE_SHM_LOCK) != 0) {
    kind = (flags & SQLITE_SHM_SHARED) != 0 ? env::RangeLock::kShared : env::RangeLock::kExclusive;
  }
  MC_ASSERT(first >= 0 && count > 0 && first + count <= SQLITE_SHM_NLOCK, "there are eight locks");
  return change_lock(kLocksFirst + static_cast<std::uint64_t>(first),
                     static_cast<std::uint64_t>(count), kind);
}

int WalIndex::change_lock(std::uint64_t first, std::uint64_t count, env::RangeLock kind) {
  Result<bool> done = file_->lock_range(first, count, kind);
  if (!done) {
    return vfs_.report(std::move(done).error(), SQLITE_IOERR_SHMLOCK);
  }
  return *done ? SQLITE_OK : SQLITE_BUSY;
}

void WalIndex::remove() {
  // A leftover is harmless: the next one empties it.
  (void)vfs_.files().remove(path_);
}

}  // namespace dsl::db
