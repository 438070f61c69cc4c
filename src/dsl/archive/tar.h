// tar archives by stream: pax is written (IEEE Std 1003.1-2017, pax, "pax Interchange Format");
// pax, ustar, v7 and the GNU format are read.
//
// What GNU tar writes is read here, and the other way round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace dsl::archive {

enum class TarKind { kFile, kDirectory, kSymlink, kHardLink };

// Of a path and of a link's target, in bytes: what Linux allows.
constexpr std::size_t kTarPathMax = 4096;
// Of all extended attributes of one entry, names and values: readers refuse headers beyond 1 MiB.
constexpr std::size_t kTarXattrBytesMax = 512 << 10;

struct TarEntry {
  std::string path;  // relative, bytes as they are (need not be UTF-8); no trailing slash
  TarKind kind = TarKind::kFile;
  std::uint32_t mode = 0;  // permission bits, 07777
  std::uint32_t uid = 0, gid = 0;
  std::string user, group;  // names; may be empty
  std::int64_t mtime_ns = 0;
  std::uint64_t size_bytes = 0;  // of a file
  std::string link;  // target of a symbolic link, path of the earlier entry for a hard link
  std::vector<std::pair<std::string, std::string>> xattrs;  // name, value bytes
  bool operator==(const TarEntry&) const = default;
};

// Writes an archive in constant memory; bytes of files go to the sink as they come. The same calls
// give the same bytes: nothing of time, process or locale is in them. Of a name that is no UTF-8
// GNU tar says that it ignores a keyword ("hdrcharset", by which pax marks such names), and
// extracts it.
//
// Confined to its owner; after an error it takes nothing more (kFailedPrecondition).
class TarWriter {
 public:
  static Result<TarWriter> begin(Sink sink);
  ~TarWriter();
  TarWriter(TarWriter&&) noexcept;
  TarWriter& operator=(TarWriter&&) noexcept;

  // Then `size_bytes` of write() for a file. kInvalidArgument for an entry that a reader would have
  // to refuse, and when bytes of the file before are missing.
  //
  // In the one second before 1970 a time has whole seconds only: the format's library has no sign
  // for it.
  Result<void> add(const TarEntry& entry);
  // kInvalidArgument beyond the size.
  Result<void> write(std::span<const std::byte> bytes);
  // The two zero blocks; an archive that lacks them is refused by TarReader. Once, and nothing
  // after it.
  Result<void> finish();

 private:
  struct State;
  explicit TarWriter(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Reads an archive in constant memory, to the end of its source: what is packed in something that
// is authenticated at its end has been authenticated when `next` gives nothing. Only zeroes may
// follow the end of the archive.
//
// Errors: kDataLoss for what is damaged, cut, no tar, or lacks its end; kInvalidArgument for an
// entry that must not be followed; those of the source as they come. Errors repeat.
//
// Paths come without "./" before, between and after; "." is the folder that was packed. Files with
// holes, as GNU tar and bsdtar pack them, are read with zeroes in their place.
//
// What must not be followed: a path that is empty, absolute, longer than kTarPathMax, or holds ".."
// or NUL; a hard link to such a path; a symbolic link to nothing or with NUL; devices, fifos and
// parts of files; a file with a size that its data do not have; owners and times out of range. What
// a symbolic link points to is not looked at: who unpacks must not write through one.
//
// Confined to its owner.
class TarReader {
 public:
  explicit TarReader(Source source);
  ~TarReader();
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;

  // The next entry, nothing at the end. What was not read of the one before is passed over.
  Result<std::optional<TarEntry>> next();
  // Of the present file: bytes put at the start of `out`, 0 at its end: a Source.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dsl::archive
