// Makes a tree of a point's entries below a new directory. Private to mcp::recovery.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/archive/stream.h"
#include "dsl/archive/tar.h"
#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

// Never follows a link, and never leaves its directory: what an archive says is not believed.
// Owners are set where this process may (root, also of a user namespace). Confined to its owner.
class Unpacker {
 public:
  // `directory` is there and empty.
  static Result<Unpacker> open(const std::string& directory);

  // `path` below the directory, "" for itself; of a hard link, `link` likewise.
  Result<void> add(const dsl::archive::TarEntry& entry, const std::string& path,
                   const std::string& link, const dsl::archive::Source& content);
  // Modes and times of directories, once nothing is added any more, and all of it on stable
  // storage.
  Result<void> finish();

 private:
  Unpacker(dsl::env::UniqueFd root, std::string directory);

  struct Place {
    dsl::env::UniqueFd parent;
    std::string name;
  };
  Result<Place> place_of(const std::string& path) const;
  Result<void> make_file(const dsl::archive::TarEntry& entry, const std::string& path,
                         const dsl::archive::Source& content);
  Result<void> make_directory(const dsl::archive::TarEntry& entry, const std::string& path);
  Result<void> make_symlink(const dsl::archive::TarEntry& entry, const std::string& path);
  Result<void> make_hard_link(const std::string& path, const std::string& to);
  Result<void> dress(int fd, const dsl::archive::TarEntry& entry) const;

  dsl::env::UniqueFd root_;
  std::string directory_;
  bool sets_owners_ = false;
  struct Dressed {
    std::string path;
    dsl::archive::TarEntry entry;
  };
  std::vector<Dressed> directories_;
  std::vector<char> buffer_;
};

}  // namespace mcp::recovery
