// A real folder of a test's own.
#pragma once

#include <string>
#include <string_view>

namespace dsl::test {

// Made empty, removed with everything in it when destroyed. Below $TMPDIR, else /tmp; with
// `kMemory` on a file system in memory where there is one, for tests that sync a lot and care
// nothing for the disk.
class TempDir {
 public:
  enum class Where { kDisk, kMemory };
  explicit TempDir(Where where = Where::kDisk);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // `path()`/`name`.
  std::string file(std::string_view name) const;
  // Writes a file for the test to find, and returns its path. Not durable.
  std::string write(std::string_view name, std::string_view content) const;
  // Content of a file of the folder; ends the test binary when it cannot be read.
  std::string read(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace dsl::test
