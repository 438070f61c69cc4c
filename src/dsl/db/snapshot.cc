#include "dsl/db/snapshot.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "dsl/db/inventory.h"
#include "dsl/env/path.h"
#include "dsl/hash/sha256.h"

namespace dsl::db {
namespace {

constexpr std::uint64_t kSyncBytes = 32u << 20;

// Hands a file to the disk on a thread of its own while it is still being written, so that little
// is left to wait for at the end; a small one in one go.
class SyncBehind {
 public:
  explicit SyncBehind(env::File& file)
      : file_(file), synced_(std::async(std::launch::async, [this] { return run(); })) {}
  ~SyncBehind() { end(); }

  void written(std::uint64_t size) {
    {
      const std::lock_guard guard(mutex_);
      size_ = size;
    }
    changed_.notify_one();
  }

  // The file is whole; it is durable when this returns.
  Result<void> finish() {
    end();
    return synced_.get();
  }

 private:
  Result<void> run() {
    std::uint64_t synced = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return ended_ || size_ >= synced + kSyncBytes; });
      if (ended_) {
        lock.unlock();
        return file_.sync();
      }
      synced = size_;
      lock.unlock();
      MC_TRY(file_.sync_data());
      lock.lock();
    }
  }

  void end() {
    {
      const std::lock_guard guard(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
  }

  env::File& file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t size_ = 0;            // guarded by mutex_
  bool ended_ = false;                // guarded by mutex_
  std::future<Result<void>> synced_;  // last: uses all of the above
};

Result<SnapshotReport> write_pages(env::Env& env, const PinnedState& source, env::File& file) {
  SnapshotReport report;
  Sha256 hash;
  SyncBehind sync(file);
  const auto write = [&](std::span<const std::byte> bytes) -> Result<void> {
    hash.add(bytes);
    MC_TRY(file.write_at(report.size_bytes, bytes));
    report.size_bytes += bytes.size();
    sync.written(report.size_bytes);
    return {};
  };
  MC_TRY(read_state(env, source, write));
  MC_TRY(sync.finish());
  report.sha256 = hash.finish();
  return report;
}

// Opens the copy anew, as a restore would.
Result<Inventory> inventory_of(env::Env& env, const std::string& path) {
  MC_ASSIGN(const auto copy, Connection::open(env, path, Access::kReadOnly));
  return take_inventory(*copy);
}

// The rows of the source are counted by SQLite, in the state that is copied, meanwhile.
Result<SnapshotReport> write_copy(env::Env& env, const PinnedState& source,
                                  const std::string& path) {
  MC_ASSIGN(const auto file, env.files().open(path, env::OpenMode::kCreateNew, 0600));
  auto counted = std::async(std::launch::async, [&] { return take_inventory(*source.connection); });
  MC_ASSIGN(SnapshotReport report, write_pages(env, source, *file));
  MC_ASSIGN(const Inventory copied, inventory_of(env, path));
  MC_ASSIGN(const Inventory expected, counted.get());
  if (copied != expected) {
    return fail(Code::kDataLoss, "{} does not equal its source", path)
        .hint("check memory and disk of this machine, then try again");
  }
  report.rows = copied.rows_total();
  return report;
}

// The error that led here is the one to report.
void remove_partial(env::FileSystem& files, const std::string& path) {
  for (const char* companion : {"", "-journal", "-wal", "-shm"}) {
    (void)files.remove(path + companion);
  }
}

Result<void> put_in_place(env::FileSystem& files, const std::string& partial,
                          const std::string& destination) {
  Result<void> renamed = files.rename(partial, destination);
  if (!renamed) {
    remove_partial(files, partial);
    return renamed;
  }
  Result<void> synced = files.sync_directory(env::folder_of(destination));
  if (!synced) {
    // Whole, but not there for certain after a power cut: no snapshot.
    (void)files.remove(destination);
  }
  return synced;
}

}  // namespace

Result<SnapshotReport> take_snapshot(env::Env& env, const PinnedState& source,
                                     const std::string& destination) {
  env::FileSystem& files = env.files();
  MC_ASSIGN(const bool exists, files.exists(destination));
  if (exists) {
    return fail(Code::kAlreadyExists, "{} exists already", destination)
        .hint("name another file, or move it away");
  }
  const std::string partial = text("{}.partial-{}", destination, env.random().hex(4));
  Result<SnapshotReport> report = write_copy(env, source, partial);
  if (!report) {
    remove_partial(files, partial);
    return fail(std::move(report).error()).context("snapshot of " + source.connection->path());
  }
  MC_TRY(put_in_place(files, partial, destination));
  return report;
}

}  // namespace dsl::db
