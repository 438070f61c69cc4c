#include "dsl/env/file_system.h"

#include <array>
#include <atomic>

#include <unistd.h>

#include "dsl/env/path.h"

namespace dsl::env {
namespace {

constexpr std::size_t kChunkBytes = 64u << 10;
constexpr int kNameTriesMax = 64;

// Unlike any other name in use: the process, then a counter. A leftover of a dead process with our
// number is skipped by kCreateNew.
std::string temporary_name(const std::string& path) {
  static std::atomic<std::uint64_t> counter{0};
  return text("{}.tmp-{}-{}", path, ::getpid(), counter++);
}

struct Temporary {
  std::string path;
  std::unique_ptr<File> file;
};

Result<Temporary> create_temporary(FileSystem& files, const std::string& path,
                                   std::uint32_t permissions) {
  for (int tries = 1;; ++tries) {
    const std::string name = temporary_name(path);
    Result<std::unique_ptr<File>> file = files.open(name, OpenMode::kCreateNew, permissions);
    if (file) {
      return Temporary{name, std::move(*file)};
    }
    if (file.error().code() != Code::kAlreadyExists || tries == kNameTriesMax) {
      return tl::unexpected(std::move(file).error());
    }
  }
}

Result<void> fill(Temporary& temporary, std::string_view content) {
  MC_TRY(temporary.file->write_at(0, std::as_bytes(std::span(content))));
  return temporary.file->sync();
}

}  // namespace

Result<bool> FileSystem::exists(const std::string& path) {
  const Result<FileInfo> info = stat(path);
  if (info) {
    return true;
  }
  if (info.error().code() == Code::kNotFound) {
    return false;
  }
  return tl::unexpected(info.error());
}

Result<std::string> FileSystem::read_file(const std::string& path, std::size_t max_bytes) {
  MC_ASSIGN(const std::unique_ptr<File> file, open(path, OpenMode::kRead));
  // Reads to the end instead of trusting the size: files below /proc report none.
  std::string content;
  std::array<std::byte, kChunkBytes> chunk;
  while (true) {
    MC_ASSIGN(const std::size_t size, file->read_at(content.size(), chunk));
    if (size == 0) {
      return content;
    }
    if (size > max_bytes - content.size()) {
      return fail(Code::kTooLarge, "{} has more than {} bytes", path, max_bytes)
          .hint("check that it is the file meant");
    }
    content.append(reinterpret_cast<const char*>(chunk.data()), size);
  }
}

Result<void> FileSystem::write_file(const std::string& path, std::string_view content,
                                    std::uint32_t permissions) {
  MC_ASSIGN(Temporary temporary, create_temporary(*this, path, permissions));
  Result<void> written = fill(temporary, content);
  temporary.file.reset();
  if (written) {
    written = rename(temporary.path, path);
  }
  if (!written) {
    // The first error is the one to report; a leftover is harmless.
    (void)remove(temporary.path);
    return written;
  }
  return sync_directory(folder_of(path));
}

}  // namespace dsl::env
