#include <utility>

#include <archive.h>
#include <archive_entry.h>

#include "dsl/archive/tar.h"
#include "dsl/archive/tar_rules.h"

namespace dsl::archive {

namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using EntryHandle = std::unique_ptr<archive_entry, FreeEntry>;

struct FreeArchive {
  void operator()(struct archive* handle) const { archive_write_free(handle); }
};

mode_t type_of(TarKind kind) {
  switch (kind) {
    case TarKind::kDirectory:
      return AE_IFDIR;
    case TarKind::kSymlink:
      return AE_IFLNK;
    case TarKind::kFile:
    case TarKind::kHardLink:
      return AE_IFREG;
  }
  return AE_IFREG;
}

// libarchive prints seconds and fraction one after the other, so the fraction counts away from
// zero.
void set_mtime(archive_entry* entry, std::int64_t mtime_ns) {
  const std::int64_t fraction = mtime_ns % kNsPerSecond;
  const std::int64_t seconds = mtime_ns / kNsPerSecond;
  if (seconds == 0 && fraction < 0) {
    archive_entry_set_mtime(entry, 0, 0);
    return;
  }
  archive_entry_set_mtime(entry, seconds, static_cast<long>(fraction < 0 ? -fraction : fraction));
}

EntryHandle to_libarchive(const TarEntry& entry) {
  EntryHandle made(archive_entry_new());
  MC_ASSERT(made != nullptr, "tar: out of memory");
  archive_entry_copy_pathname(made.get(), entry.path.c_str());
  archive_entry_set_mode(made.get(), type_of(entry.kind) | entry.mode);
  archive_entry_set_uid(made.get(), entry.uid);
  archive_entry_set_gid(made.get(), entry.gid);
  archive_entry_set_size(made.get(), static_cast<la_int64_t>(entry.size_bytes));
  set_mtime(made.get(), entry.mtime_ns);
  if (!entry.user.empty()) {
    archive_entry_copy_uname(made.get(), entry.user.c_str());
  }
  if (!entry.group.empty()) {
    archive_entry_copy_gname(made.get(), entry.group.c_str());
  }
  if (entry.kind == TarKind::kSymlink) {
    archive_entry_copy_symlink(made.get(), entry.link.c_str());
  } else if (entry.kind == TarKind::kHardLink) {
    archive_entry_copy_hardlink(made.get(), entry.link.c_str());
  }
  // It puts each before those that it has.
  for (auto it = entry.xattrs.rbegin(); it != entry.xattrs.rend(); ++it) {
    archive_entry_xattr_add_entry(made.get(), it->first.c_str(), it->second.data(),
                                  it->second.size());
  }
  return made;
}

}  // namespace

struct TarWriter::State {
  explicit State(Sink to) : sink(std::move(to)), handle(archive_write_new()) {
    MC_ASSERT(handle != nullptr, "tar: out of memory");
  }
  ~State() { dropped = true; }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> open() {
    struct archive* tar = handle.get();
    // A block size of 0 passes what is written straight to the sink, without a copy and without
    // padding to records. GNU tar takes archives of any number of blocks.
    const bool opened = archive_write_set_format_pax(tar) == ARCHIVE_OK &&
                        // As GNU tar names extended attributes.
                        archive_write_set_options(tar, "xattrheader=SCHILY") == ARCHIVE_OK &&
                        archive_write_set_bytes_per_block(tar, 0) == ARCHIVE_OK &&
                        archive_write_open(tar, this, nullptr, &State::give, nullptr) == ARCHIVE_OK;
    return opened ? Result<void>() : failed();
  }

  static la_ssize_t give(struct archive*, void* self, const void* bytes, std::size_t size) {
    auto* state = static_cast<State*>(self);
    // Freeing one that was not closed closes it, which is not to reach the sink.
    if (state->dropped) {
      return -1;
    }
    // It is not told of the error: an archive that has failed is not freed wholly.
    if (!state->sink_error) {
      auto taken = state->sink({static_cast<const std::byte*>(bytes), size});
      if (!taken) {
        state->sink_error = std::move(taken.error());
      }
    }
    return static_cast<la_ssize_t>(size);
  }

  Failure failed() {
    broken = true;
    if (sink_error) {
      return fail(*sink_error);
    }
    const char* message = archive_error_string(handle.get());
    return fail(Code::kInternal, "tar: {}", message != nullptr ? message : "libarchive has failed");
  }

  Failure refuse(Failure failure) {
    broken = true;
    return failure;
  }

  Result<void> check() {
    MC_ASSERT(!finished, "nothing follows the end");
    if (broken) {
      return fail(Code::kFailedPrecondition, "the tar archive has failed before");
    }
    return {};
  }

  Result<void> end_entry() {
    if (missing_bytes > 0) {
      return refuse(fail(Code::kInvalidArgument,
                         "tar: {} bytes of the file are missing, of the size that it was given",
                         missing_bytes)
                        .hint("the file became shorter while it was read"));
    }
    return {};
  }

  Sink sink;
  std::optional<Error> sink_error;
  bool dropped = false;
  std::uint64_t missing_bytes = 0;  // of the present file
  bool broken = false;
  bool finished = false;
  std::unique_ptr<struct archive, FreeArchive> handle;  // the last: freed first, it calls `give`
};

TarWriter::TarWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarWriter::~TarWriter() = default;
TarWriter::TarWriter(TarWriter&&) noexcept = default;
TarWriter& TarWriter::operator=(TarWriter&&) noexcept = default;

Result<TarWriter> TarWriter::begin(Sink sink) {
  auto state = std::make_unique<State>(std::move(sink));
  MC_TRY(state->open());
  return TarWriter(std::move(state));
}

Result<void> TarWriter::add(const TarEntry& entry) {
  State& state = *state_;
  MC_TRY(state.check());
  MC_TRY(state.end_entry());
  if (auto checked = check_entry(entry); !checked) {
    return state.refuse(fail(std::move(checked.error())));
  }
  // Here libarchive checks that a name is UTF-8, and marks the header when it is not (pax,
  // "hdrcharset").
  const CharsetGuard utf8(CharsetGuard::Charset::kUtf8);
  const EntryHandle made = to_libarchive(entry);
  // A warning says that a name is no UTF-8; the bytes are written as they are.
  if (archive_write_header(state.handle.get(), made.get()) < ARCHIVE_WARN || state.sink_error) {
    return state.failed();
  }
  state.missing_bytes = entry.size_bytes;
  return {};
}

Result<void> TarWriter::write(std::span<const std::byte> bytes) {
  State& state = *state_;
  MC_TRY(state.check());
  if (bytes.size() > state.missing_bytes) {
    return state.refuse(fail(Code::kInvalidArgument,
                             "tar: {} bytes more than the size that the file was given",
                             bytes.size() - state.missing_bytes)
                            .hint("the file became longer while it was read"));
  }
  if (bytes.empty()) {
    return {};
  }
  const la_ssize_t written = archive_write_data(state.handle.get(), bytes.data(), bytes.size());
  if (written < 0 || state.sink_error) {
    return state.failed();
  }
  MC_ASSERT(static_cast<std::size_t>(written) == bytes.size(), "tar: what fits is written");
  state.missing_bytes -= bytes.size();
  return {};
}

Result<void> TarWriter::finish() {
  State& state = *state_;
  MC_TRY(state.check());
  MC_TRY(state.end_entry());
  if (archive_write_close(state.handle.get()) != ARCHIVE_OK || state.sink_error) {
    return state.failed();
  }
  state.finished = true;
  return {};
}

}  // namespace dsl::archive
