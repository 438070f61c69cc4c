#include "mcp/recovery/foreign.h"

#include <algorithm>
#include <array>
#include <memory>

#include "dsl/archive/gzip.h"
#include "dsl/archive/zstd_stream.h"
#include "dsl/db/database.h"
#include "dsl/env/path.h"
#include "mcp/recovery/scratch.h"
#include "mcp/recovery/sealing.h"
#include "mcp/recovery/tree.h"
#include "mcp/recovery/unpack.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::archive::Source;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;
using dsl::archive::TarReader;

namespace {

constexpr std::string_view kSnapshot = ".snapshot";
constexpr std::string_view kGzipMagic("\x1f\x8b", 2);
constexpr std::string_view kZstdMagic("\x28\xb5\x2f\xfd", 4);
constexpr std::size_t kHeadBytes = 32;

// The first bytes, and the stream as it was.
struct Peeked {
  std::string head;
  Source source;
};

Result<Peeked> peek(Source source) {
  std::vector<std::byte> head(kHeadBytes);
  MC_ASSIGN(const std::size_t count, dsl::archive::read_full(source, head));
  Peeked peeked;
  peeked.head.assign(reinterpret_cast<const char*>(head.data()), count);
  peeked.source = [head = peeked.head, source = std::move(source), given = std::size_t{0}](
                      std::span<std::byte> out) mutable -> Result<std::size_t> {
    if (given == head.size()) {
      return source(out);
    }
    const std::size_t piece = std::min(out.size(), head.size() - given);
    std::copy_n(reinterpret_cast<const std::byte*>(head.data()) + given, piece, out.begin());
    given += piece;
    return piece;
  };
  return peeked;
}

Result<Source> decrypted(const std::string& archive, Source source, const ReadKeys& keys) {
  if (archive.ends_with(".age")) {
    return open_sealed(Seal::kAge, std::move(source), keys);
  }
  if (archive.ends_with(".gpg") || archive.ends_with(".asc")) {
    return open_sealed(Seal::kOpenPgp, std::move(source), keys);
  }
  return source;
}

Result<Source> unpacked(Source source) {
  MC_ASSIGN(Peeked peeked, peek(std::move(source)));
  if (peeked.head.starts_with(kGzipMagic)) {
    const auto reader = std::make_shared<dsl::archive::GzipReader>(std::move(peeked.source));
    return [reader](std::span<std::byte> out) { return reader->read(out); };
  }
  if (peeked.head.starts_with(kZstdMagic)) {
    const auto reader = std::make_shared<dsl::archive::ZstdReader>(std::move(peeked.source));
    return [reader](std::span<std::byte> out) { return reader->read(out); };
  }
  return std::move(peeked.source);
}

// "./srv/x" of `tar c .`, with what a tar does not name made on the way.
std::string plain(const std::string& path) {
  std::string out = path;
  while (out.starts_with("./")) {
    out.erase(0, 2);
  }
  return out == "." ? "" : out;
}

bool is_database(dsl::env::FileSystem& files, const std::string& path) {
  const auto file = files.open(path, dsl::env::OpenMode::kRead);
  std::array<std::byte, kSqliteMagic.size()> head{};
  return file && (*file)->read_at(0, head).value_or(0) == head.size() &&
         std::string_view(reinterpret_cast<const char*>(head.data()), head.size()) == kSqliteMagic;
}

Result<Unpacked> unpack_into(dsl::env::Env& env, const Source& source, const std::string& to) {
  MC_TRY(env.files().make_directories(to, 0700));
  MC_ASSIGN(Unpacker unpacker, Unpacker::open(to));
  TarReader tar(source);
  Unpacked out;
  std::vector<std::string> paths;
  while (true) {
    MC_ASSIGN(std::optional<TarEntry> entry, tar.next());
    if (!entry) {
      break;
    }
    const std::string path = plain(entry->path);
    if (!path.empty()) {
      // Single files of a deep tree come without their directories.
      MC_TRY(env.files().make_directories(to + "/" + dsl::env::folder_of(path), 0700));
    }
    if (entry->kind == TarKind::kDirectory && env.files().exists(to + "/" + path).value_or(false)) {
      continue;
    }
    MC_TRY(unpacker.add(*entry, path, plain(entry->link),
                        [&](std::span<std::byte> bytes) { return tar.read(bytes); }));
    ++out.files;
    paths.push_back(to + "/" + path);
  }
  MC_TRY(unpacker.finish());
  for (std::string path : paths) {
    if (!is_database(env.files(), path)) {
      continue;
    }
    if (path.ends_with(kSnapshot)) {
      const std::string live = path.substr(0, path.size() - kSnapshot.size());
      MC_TRY(env.files().rename(path, live));
      path = live;
    }
    MC_TRY(dsl::with_context(dsl::db::Database::check_file(env, path), path));
    out.databases.push_back(std::move(path));
  }
  return out;
}

}  // namespace

Result<Unpacked> unpack_foreign(dsl::env::Env& env, const std::string& archive,
                                const ReadKeys& keys, const std::string& to) {
  MC_ASSIGN(const bool is_there, env.files().exists(to));
  if (is_there) {
    return fail(Code::kAlreadyExists, "{} is there already", to)
        .hint("name a new directory with --to");
  }
  MC_ASSIGN(const auto file, env.files().open(archive, dsl::env::OpenMode::kRead));
  std::uint64_t at = 0;
  const Source bytes = [&](std::span<std::byte> out) -> Result<std::size_t> {
    MC_ASSIGN(const std::size_t count, file->read_at(at, out));
    at += count;
    return count;
  };
  MC_ASSIGN(Source opened, decrypted(archive, bytes, keys));
  MC_ASSIGN(const Source source, unpacked(opened));
  Result<Unpacked> out = unpack_into(env, source, to);
  // What was encrypted is known to be whole at its very end only.
  std::vector<std::byte> rest(1u << 16);
  while (out) {
    const Result<std::size_t> count = opened(rest);
    if (!count) {
      out = tl::unexpected(count.error());
    } else if (*count == 0) {
      break;
    }
  }
  if (!out) {
    (void)remove_tree(env.files(), to);  // the error is the one to report
  }
  return out;
}

}  // namespace mcp::recovery
