// A file that is written from its beginning, hashed on the way. Private to mcp::recovery.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dsl/archive/minisign.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

// Confined to its owner. Removes the file unless it was kept.
class FileSink {
 public:
  // `path` must not exist.
  static Result<std::unique_ptr<FileSink>> create(dsl::env::Env& env, const std::string& path);
  ~FileSink();
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  Result<void> write(std::span<const std::byte> bytes);
  // All of it is on stable storage; ends the writing.
  Result<void> sync();
  // Gives it its name, which is durable once its directory is synced.
  Result<void> keep_as(const std::string& path);

  std::uint64_t size() const { return size_; }
  // BLAKE2b-512, as minisign signs it. After `sync`.
  const dsl::archive::MinisignHash& digest() const { return digest_; }

 private:
  FileSink(dsl::env::Env& env, std::string path, std::unique_ptr<dsl::env::File> file);

  dsl::env::Env& env_;
  std::string path_;  // empty once it was kept
  std::unique_ptr<dsl::env::File> file_;
  std::uint64_t size_ = 0;
  dsl::archive::MinisignDigest blake_;
  dsl::archive::MinisignHash digest_{};
};

}  // namespace mcp::recovery
