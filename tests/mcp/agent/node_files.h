// Files of a test node: the registry's folder is real; everything else (/proc, /etc, /srv) is in
// memory.
#pragma once

#include <functional>
#include <string>

#include "dsl/env/file_system.h"

namespace mcp::agent::test {

class NodeFiles final : public dsl::env::FileSystem {
 public:
  // Paths below `real_folder` go to `real`.
  NodeFiles(std::string real_folder, dsl::env::FileSystem& real, dsl::env::FileSystem& memory)
      : real_folder_(std::move(real_folder)), real_(real), memory_(memory) {}

  dsl::Result<std::unique_ptr<dsl::env::File>> open(const std::string& path,
                                                    dsl::env::OpenMode mode,
                                                    std::uint32_t permissions) override {
    return at(path).open(path, mode, permissions);
  }
  dsl::Result<dsl::env::FileInfo> stat(const std::string& path, bool follow) override {
    return at(path).stat(path, follow);
  }
  dsl::Result<std::vector<std::string>> list(const std::string& path) override {
    return at(path).list(path);
  }
  dsl::Result<void> rename(const std::string& from, const std::string& to) override {
    return at(from).rename(from, to);
  }
  dsl::Result<void> remove(const std::string& path) override { return at(path).remove(path); }
  dsl::Result<void> make_directories(const std::string& path, std::uint32_t permissions) override {
    return at(path).make_directories(path, permissions);
  }
  dsl::Result<void> set_mode(const std::string& path, std::uint32_t permissions) override {
    return at(path).set_mode(path, permissions);
  }
  dsl::Result<void> set_owner(const std::string& path, std::uint32_t uid,
                              std::uint32_t gid) override {
    return at(path).set_owner(path, uid, gid);
  }
  dsl::Result<void> sync_directory(const std::string& path) override {
    return at(path).sync_directory(path);
  }
  dsl::Result<std::unique_ptr<dsl::env::FileLock>> lock(const std::string& path,
                                                        std::string_view note) override {
    return at(path).lock(path, note);
  }
  dsl::Result<std::string> canonical(const std::string& path) override {
    return at(path).canonical(path);
  }
  dsl::Result<std::uint64_t> free_bytes(const std::string& path) override {
    return at(path).free_bytes(path);
  }

 private:
  dsl::env::FileSystem& at(const std::string& path) {
    return path.starts_with(real_folder_) ? real_ : memory_;
  }

  const std::string real_folder_;
  dsl::env::FileSystem& real_;
  dsl::env::FileSystem& memory_;
};

}  // namespace mcp::agent::test
