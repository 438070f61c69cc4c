#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

#include <archive.h>
#include <archive_entry.h>

#include "dsl/archive/tar.h"
#include "dsl/archive/tar_header_chain.h"
#include "dsl/archive/tar_rules.h"

namespace dsl::archive {

namespace {

constexpr std::size_t kStepBytes = 256 << 10;
constexpr std::int64_t kEndBytes = 2 * 512;  // of zeroes
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

struct FreeArchive {
  void operator()(struct archive* handle) const { archive_read_free(handle); }
};

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

std::string string_of(const char* text) { return text != nullptr ? text : ""; }

// Without "." and empty parts, but for a path that is nothing else; an absolute one stays so.
std::string tidied(std::string_view path) {
  std::string out;
  const bool absolute = path.starts_with('/');
  const bool empty = path.empty();
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (!part.empty() && part != ".") {
      out += out.empty() ? "" : "/";
      out += part;
    }
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  if (absolute) {
    return "/" + out;
  }
  return out.empty() && !empty ? "." : out;
}

int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The key of a pax record ends at its first "=", so writers put %XX where a name has one, or a "%".
std::string xattr_name(std::string_view coded) {
  std::string name;
  for (std::size_t i = 0; i < coded.size(); ++i) {
    const bool escape = coded[i] == '%' && i + 2 < coded.size() && hex_value(coded[i + 1]) >= 0 &&
                        hex_value(coded[i + 2]) >= 0;
    name += escape ? static_cast<char>(hex_value(coded[i + 1]) * 16 + hex_value(coded[i + 2]))
                   : coded[i];
    i += escape ? 2 : 0;
  }
  return name;
}

// bsdtar writes each attribute twice, under two keys.
void add_xattrs(archive_entry* from, TarEntry& entry) {
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  archive_entry_xattr_reset(from);
  while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
    std::string plain = xattr_name(string_of(name));
    const bool known = std::any_of(entry.xattrs.begin(), entry.xattrs.end(),
                                   [&](const auto& xattr) { return xattr.first == plain; });
    if (!known) {
      entry.xattrs.emplace_back(
          std::move(plain),
          size > 0 ? std::string(static_cast<const char*>(value), size) : std::string());
    }
  }
  // It hands out the last one first.
  std::reverse(entry.xattrs.begin(), entry.xattrs.end());
}

Failure refused(const std::string& path, std::string_view why) {
  TarEntry named;  // only its path is looked at, and made fit to be shown
  named.path = path;
  if (auto checked = check_entry(named); !checked) {
    return fail(std::move(checked.error()));
  }
  return fail(Code::kInvalidArgument, "tar: '{}' {}", path, why)
      .hint("this archive is not to be unpacked: do not trust where it is from");
}

Result<std::uint32_t> owner_of(la_int64_t id, const std::string& path) {
  if (id < 0 || id > la_int64_t{UINT32_MAX}) {
    return refused(path, "has an owner out of range");
  }
  return static_cast<std::uint32_t>(id);
}

// A fraction counts away from zero, as it is printed.
Result<std::int64_t> mtime_of(archive_entry* entry, const std::string& path) {
  const std::int64_t seconds = archive_entry_mtime(entry);
  const std::int64_t fraction = archive_entry_mtime_nsec(entry);
  if (seconds <= INT64_MIN / kNsPerSecond || seconds >= INT64_MAX / kNsPerSecond) {
    return refused(path, "has a time out of range");
  }
  return seconds * kNsPerSecond + (seconds < 0 ? -fraction : fraction);
}

Result<TarKind> kind_of(archive_entry* entry, const std::string& path) {
  if (archive_entry_hardlink(entry) != nullptr) {
    return TarKind::kHardLink;
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return TarKind::kFile;
    case AE_IFDIR:
      return TarKind::kDirectory;
    case AE_IFLNK:
      return TarKind::kSymlink;
    default:
      return refused(path, "is a device, a fifo or a part of a file");
  }
}

Result<TarEntry> from_libarchive(archive_entry* from) {
  TarEntry entry;
  entry.path = tidied(string_of(archive_entry_pathname(from)));
  MC_ASSIGN(entry.kind, kind_of(from, entry.path));
  entry.mode = archive_entry_mode(from) & 07777;
  MC_ASSIGN(entry.uid, owner_of(archive_entry_uid(from), entry.path));
  MC_ASSIGN(entry.gid, owner_of(archive_entry_gid(from), entry.path));
  entry.user = string_of(archive_entry_uname(from));
  entry.group = string_of(archive_entry_gname(from));
  MC_ASSIGN(entry.mtime_ns, mtime_of(from, entry.path));
  if (entry.kind == TarKind::kFile) {
    if (archive_entry_size(from) < 0) {
      return refused(entry.path, "has a negative size");
    }
    entry.size_bytes = static_cast<std::uint64_t>(archive_entry_size(from));
  } else if (entry.kind == TarKind::kSymlink) {
    entry.link = string_of(archive_entry_symlink(from));
  } else if (entry.kind == TarKind::kHardLink) {
    entry.link = tidied(string_of(archive_entry_hardlink(from)));
  }
  add_xattrs(from, entry);
  MC_TRY(check_entry(entry));
  return entry;
}

}  // namespace

struct TarReader::State {
  explicit State(Source from) : handle(archive_read_new()), source(std::move(from)) {
    MC_ASSERT(handle != nullptr, "tar: out of memory");
  }

  Result<void> open() {
    const bool done =
        archive_read_set_format(handle.get(), ARCHIVE_FORMAT_TAR) == ARCHIVE_OK &&
        archive_read_open(handle.get(), this, nullptr, &State::take, nullptr) == ARCHIVE_OK;
    return done ? Result<void>() : failed();
  }

  // What was taken from the source and lies at hand, in order: all of it since the headers of the
  // present entry begin while they are read, else the last piece.
  struct Piece {
    std::int64_t begins_at = 0;
    std::size_t size = 0;
    std::vector<std::byte> room;
    std::span<const std::byte> bytes() const { return std::span(room).first(size); }
  };

  static la_ssize_t take(struct archive*, void* self, const void** bytes) {
    auto* state = static_cast<State*>(self);
    Piece piece;
    if (!state->in_headers && !state->pieces.empty()) {
      piece.room = std::move(state->pieces.back().room);
      state->pieces.clear();
    }
    piece.room.resize(kStepBytes);
    piece.begins_at = state->taken_bytes;
    // In full pieces, so that as many as headers have are few, and libarchive copies little.
    auto size = state->source_ended ? std::size_t{0} : read_full(state->source, piece.room);
    if (!size) {
      state->source_error = std::move(size.error());
      return -1;
    }
    state->source_ended = *size < piece.room.size();
    state->taken_bytes += static_cast<std::int64_t>(*size);
    piece.size = *size;
    state->pieces.push_back(std::move(piece));
    *bytes = state->pieces.back().room.data();
    return static_cast<la_ssize_t>(*size);
  }

  std::int64_t position() const { return archive_filter_bytes(handle.get(), 0); }

  std::string at_hand(std::int64_t from, std::size_t count) const {
    std::string out;
    for (const Piece& piece : pieces) {
      const std::int64_t skipped = from + static_cast<std::int64_t>(out.size()) - piece.begins_at;
      if (skipped < 0 || skipped >= static_cast<std::int64_t>(piece.size)) {
        continue;
      }
      const auto rest = piece.bytes().subspan(static_cast<std::size_t>(skipped));
      out.append(reinterpret_cast<const char*>(rest.data()),
                 std::min(rest.size(), count - out.size()));
    }
    return out;
  }

  Failure failed() {
    if (source_error) {
      return fail(*source_error);
    }
    const char* message = archive_error_string(handle.get());
    return fail(Code::kDataLoss, "tar: near byte {}: {}",
                archive_read_header_position(handle.get()),
                message != nullptr ? message : "damaged")
        .hint("the archive is damaged, cut or no tar: use another copy");
  }

  Result<std::optional<TarEntry>> next() {
    // The names are wanted as they are: what is no ASCII is not converted.
    const CharsetGuard plain(CharsetGuard::Charset::kAscii);
    if (!opened) {
      MC_TRY(open());
      opened = true;
    }
    file_left = false;
    blocks_ended = false;
    // What is passed over is dropped as it comes; its end belongs to it.
    if (in_entry && archive_read_data_skip(handle.get()) != ARCHIVE_OK) {
      return failed();
    }
    in_entry = false;
    in_headers = true;
    while (pieces.size() > 1) {
      pieces.pop_front();
    }
    const std::int64_t began = position();
    archive_entry* from = nullptr;
    const int status = archive_read_next_header(handle.get(), &from);
    if (source_error) {
      return failed();
    }
    if (status == ARCHIVE_EOF) {
      MC_TRY(expect_end(began));
      return std::optional<TarEntry>();
    }
    // That a name is no ASCII is a warning with this charset.
    const bool usable =
        status == ARCHIVE_OK || (status == ARCHIVE_WARN && archive_errno(handle.get()) == EILSEQ);
    if (!usable) {
      return failed();
    }
    MC_TRY(check_header_chain([&](std::size_t at, std::size_t count) {
      return at_hand(began + static_cast<std::int64_t>(at), count);
    }));
    in_headers = false;
    in_entry = true;
    MC_ASSIGN(TarEntry entry, from_libarchive(from));
    has_holes = archive_entry_sparse_count(from) > 0;
    file_left = entry.kind == TarKind::kFile;
    size_bytes = entry.size_bytes;
    given_bytes = 0;
    block = {};
    block_at = 0;
    return std::optional<TarEntry>(std::move(entry));
  }

  Result<void> expect_end(std::int64_t began) {
    if (position() - began != kEndBytes) {
      return fail(Code::kDataLoss, "tar: the archive ends without its end mark, near byte {}",
                  position())
          .hint("it was cut: fetch it again");
    }
    for (const Piece& piece : pieces) {
      const std::int64_t skipped = std::max<std::int64_t>(position() - piece.begins_at, 0);
      if (skipped < static_cast<std::int64_t>(piece.size)) {
        MC_TRY(expect_padding(piece.bytes().subspan(static_cast<std::size_t>(skipped))));
      }
    }
    std::vector<std::byte>& room = pieces.back().room;
    while (!source_ended) {
      MC_ASSIGN(const std::size_t size, read_full(source, room));
      source_ended = size < room.size();
      MC_TRY(expect_padding(std::span(room).first(size)));
    }
    return {};
  }

  static Result<void> expect_padding(std::span<const std::byte> bytes) {
    if (!all_zero(bytes)) {
      return fail(Code::kDataLoss, "tar: something follows the end of the archive")
          .hint("joined archives are not read: unpack them one by one");
    }
    return {};
  }

  // Puts the next data of the file into `block`; after the last its end.
  Result<void> next_block() {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t at = 0;
    const int status = archive_read_data_block(handle.get(), &bytes, &size, &at);
    if (status == ARCHIVE_EOF) {
      // A hole may be the last of a file; else all of its bytes were there.
      if (given_bytes < size_bytes && !has_holes) {
        return fail(Code::kInvalidArgument, "tar: a file has {} bytes where it says {}",
                    given_bytes, size_bytes)
            .hint("this archive is not to be unpacked: do not trust where it is from");
      }
      block = {};
      block_at = size_bytes;
      blocks_ended = true;
      return {};
    }
    if (status != ARCHIVE_OK) {
      return failed();
    }
    block = {static_cast<const std::byte*>(bytes), size};
    block_at = static_cast<std::uint64_t>(at);
    if (at < 0 || block_at < given_bytes || block_at > size_bytes || size > size_bytes - block_at) {
      return fail(Code::kInvalidArgument,
                  "tar: the parts of a file with holes overlap, or exceed "
                  "its size")
          .hint("this archive is not to be unpacked: do not trust where it is from");
    }
    return {};
  }

  Result<std::size_t> read(std::span<std::byte> out) {
    if (!file_left) {
      return std::size_t{0};
    }
    while (block.empty() && given_bytes == block_at && !blocks_ended) {
      MC_TRY(next_block());
    }
    if (given_bytes < block_at) {
      const std::uint64_t size = std::min<std::uint64_t>(out.size(), block_at - given_bytes);
      std::memset(out.data(), 0, size);
      given_bytes += size;
      return static_cast<std::size_t>(size);
    }
    const std::size_t size = std::min(out.size(), block.size());
    if (size == 0) {
      file_left = false;
      return size;
    }
    std::memcpy(out.data(), block.data(), size);
    block = block.subspan(size);
    given_bytes += size;
    block_at += size;
    return size;
  }

  std::unique_ptr<struct archive, FreeArchive> handle;
  Source source;
  std::optional<Error> source_error;
  bool source_ended = false;
  std::int64_t taken_bytes = 0;
  std::deque<Piece> pieces;
  bool opened = false;
  bool in_headers = true;
  bool in_entry = false;

  // Of the present file. The bytes between `given_bytes` and `block_at` are a hole.
  bool file_left = false;
  bool has_holes = false;
  bool blocks_ended = false;
  std::uint64_t size_bytes = 0;
  std::uint64_t given_bytes = 0;
  std::span<const std::byte> block;  // libarchive's, until the next call
  std::uint64_t block_at = 0;

  bool ended = false;
  std::optional<Error> error;  // what every further call says
};

TarReader::TarReader(Source source) : state_(std::make_unique<State>(std::move(source))) {}
TarReader::~TarReader() = default;
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;

Result<std::optional<TarEntry>> TarReader::next() {
  if (state_->error) {
    return fail(*state_->error);
  }
  if (state_->ended) {
    return std::optional<TarEntry>();
  }
  auto entry = state_->next();
  if (!entry) {
    state_->error = entry.error();
  } else {
    state_->ended = !entry->has_value();
  }
  return entry;
}

Result<std::size_t> TarReader::read(std::span<std::byte> out) {
  MC_ASSERT(!out.empty(), "a source is given room");
  if (state_->error) {
    return fail(*state_->error);
  }
  auto size = state_->read(out);
  if (!size) {
    state_->error = size.error();
  }
  return size;
}

}  // namespace dsl::archive
