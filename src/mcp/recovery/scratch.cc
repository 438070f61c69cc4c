#include "mcp/recovery/scratch.h"

#include <utility>
#include <vector>

#include "mcp/recovery/file_sink.h"

namespace mcp::recovery {

namespace {

constexpr std::uint32_t kPrivate = 0700;
constexpr std::size_t kPieceBytes = 1u << 20;

}  // namespace

Result<void> remove_tree(dsl::env::FileSystem& files, const std::string& path) {
  const Result<dsl::env::FileInfo> info = files.stat(path, false);
  if (!info) {
    return info.error().code() == dsl::Code::kNotFound ? Result<void>()
                                                       : tl::unexpected(info.error());
  }
  if (info->kind == dsl::env::FileKind::kDirectory) {
    MC_TRY(files.set_mode(path, kPrivate));
    MC_ASSIGN(const std::vector<std::string> names, files.list(path));
    for (const std::string& name : names) {
      MC_TRY(remove_tree(files, path + "/" + name));
    }
  }
  return files.remove(path);
}

Result<void> write_out(dsl::env::Env& env, const std::string& path,
                       const dsl::archive::Source& content) {
  MC_ASSIGN(const auto sink, FileSink::create(env, path));
  std::vector<std::byte> piece(kPieceBytes);
  while (true) {
    MC_ASSIGN(const std::size_t count, content(piece));
    if (count == 0) {
      break;
    }
    MC_TRY(sink->write(std::span(piece).first(count)));
  }
  MC_TRY(sink->sync());
  return sink->keep_as(path);
}

Result<Scratch> Scratch::make(dsl::env::Env& env, const std::string& path) {
  MC_TRY(remove_tree(env.files(), path));
  MC_TRY(env.files().make_directories(path, kPrivate));
  return Scratch(env, path);
}

Scratch::Scratch(Scratch&& other) noexcept
    : env_(other.env_), path_(std::exchange(other.path_, {})) {}

Scratch::~Scratch() {
  if (!path_.empty()) {
    (void)remove_tree(env_.files(), path_);  // the next run does it otherwise
  }
}

}  // namespace mcp::recovery
