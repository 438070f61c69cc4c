// Files in memory, with a power cut before any change and errors on demand.
#pragma once

#include <memory>

#include "dsl/env/file_system.h"

namespace dsl::test {

// What a power cut leaves of changes that were not synced. A disk may do any of these.
struct Crash {
  enum class Data {
    kLost,  // files are as of their last sync
    kTorn,  // all was written, but of the last write to each file only the first half
    kKept,
  };
  Data data = Data::kLost;
  // Whether creations, renames and removals are there without a sync of their directory.
  bool names_kept = false;
};

// Paths are absolute; owner and permissions are stored and not enforced; there are no links. Counts
// *changes*: every creation, write, truncation, rename, removal, mode, owner and every sync. Locks
// of ranges and what is written through a mapping are none; the second is there after a power cut
// as any other content that was not synced. Mapped ranges of a file are equal or apart. The times
// of a file count changes instead of nanoseconds.
//
// A write that is torn leaves the bytes before and behind it as they were: what SQLite calls
// "powersafe overwrite" and assumes of disks.
//
// Thread-safe.
class MemoryFileSystem final : public env::FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  Result<std::unique_ptr<env::File>> open(const std::string& path, env::OpenMode mode,
                                          std::uint32_t permissions) override;
  Result<env::FileInfo> stat(const std::string& path, bool follow) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_directories(const std::string& path, std::uint32_t permissions) override;
  Result<void> set_mode(const std::string& path, std::uint32_t permissions) override;
  Result<void> set_owner(const std::string& path, std::uint32_t uid, std::uint32_t gid) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::unique_ptr<env::FileLock>> lock(const std::string& path,
                                              std::string_view note) override;
  Result<std::string> canonical(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

  // `count` more changes happen, then the power fails: the next change does not happen (of a write
  // the first half does), and everything fails from there on.
  void crash_after(std::uint64_t count);
  bool crashed() const;
  // Power is back; crashes first if that has not happened. Files opened before are dead, locks
  // gone, mappings memory of their own.
  void restart(Crash crash = {});

  // `count` more changes happen, then `times` of them fail with `number` (ENOSPC, EIO, ...); of a
  // failing write the first half is written.
  void fail_after(std::uint64_t count, int number, std::uint64_t times = 1);
  // How many of those are still to come.
  std::uint64_t faults_left() const;
  // Bytes of content that fit in all; beyond it ENOSPC.
  void set_capacity(std::uint64_t bytes);

  struct State;

 private:
  std::shared_ptr<State> state_;  // shared with open files and locks
};

}  // namespace dsl::test
