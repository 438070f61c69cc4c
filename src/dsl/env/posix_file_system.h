// The operating system's files.
#pragma once

#include "dsl/env/file_system.h"

namespace dsl::env {

// Thread-safe: holds no state.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     std::uint32_t permissions) override;
  Result<FileInfo> stat(const std::string& path, bool follow) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_directories(const std::string& path, std::uint32_t permissions) override;
  Result<void> set_mode(const std::string& path, std::uint32_t permissions) override;
  Result<void> set_owner(const std::string& path, std::uint32_t uid, std::uint32_t gid) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, std::string_view note) override;
  Result<std::string> canonical(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
};

}  // namespace dsl::env
