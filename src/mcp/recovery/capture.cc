#include "mcp/recovery/capture.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <optional>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "dsl/db/image.h"
#include "dsl/env/errno_error.h"
#include "dsl/env/path.h"
#include "dsl/hash/sha256.h"
#include "mcp/recovery/tree.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;

namespace {

constexpr std::size_t kPieceBytes = 256u << 10;
// A file that changes while it is read is read again as long as it can be held in memory.
constexpr std::uint64_t kWholeBytesMax = 1u << 20;
constexpr int kTriesMax = 3;
constexpr std::uint32_t kPlainMode = 0640;

// Of databases under their live names, and what programs leave behind.
bool is_left_out_by_name(std::string_view name) {
  return name == "backups" || name == "replica" || name == ".trash" || name == ".mc-restore" ||
         name.ends_with(".tmp") || name.ends_with(".replica") ||

         name.find(".before-restore-") != std::string_view::npos;
}

// Of a database that was captured whole.
bool is_companion(std::string_view name) {
  return name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal");
}

struct Stamp {
  std::int64_t size = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return {.size = -1};
  }
  return {status.st_size, status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
}

// Where a file's bytes come from, and what tells that it has changed.
struct Content {
  std::function<Result<std::size_t>(std::uint64_t offset, std::span<char> out)> read;
  std::function<Stamp()> stamp;
};

Content content_of(const TreeItem& item) {
  const int fd = item.fd.get();
  return {.read = [fd, &item](std::uint64_t offset, std::span<char> out) -> Result<std::size_t> {
            while (true) {
              const ssize_t count = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
              if (count >= 0) {
                return static_cast<std::size_t>(count);
              }
              if (errno != EINTR) {
                return fail(dsl::env::errno_error(errno, "read", item.absolute));
              }
            }
          },
          .stamp = [fd] { return stamp_of(fd); }};
}

Content content_of(dsl::env::File& file) {
  return {.read =
              [&file](std::uint64_t offset, std::span<char> out) {
                return file.read_at(offset, std::as_writable_bytes(out));
              },
          .stamp =
              [&file] {
                const Result<dsl::env::FileInfo> info = file.info();
                return info ? Stamp{static_cast<std::int64_t>(info->size_bytes), info->changed_ns}
                            : Stamp{.size = -1};
              }};
}

// As much as there is.
Result<std::size_t> read_full(const Content& content, std::uint64_t offset, std::span<char> out) {
  std::size_t got = 0;
  while (got < out.size()) {
    MC_ASSIGN(const std::size_t count, content.read(offset + got, out.subspan(got)));
    if (count == 0) {
      break;
    }
    got += count;
  }
  return got;
}

// A file of which the size is told before its bytes. What is missing at the end is stored as
// zeroes.
Result<void> store_content(const Content& content, PointWriter& point, FileRecord& record) {
  const Stamp before = content.stamp();
  const std::uint64_t size = record.entry.size_bytes;
  MC_TRY(point.add(record.entry));
  dsl::Sha256 hash;
  std::vector<char> buffer(std::min<std::uint64_t>(size, kPieceBytes));
  for (std::uint64_t at = 0; at < size;) {
    const std::span<char> piece(buffer.data(), std::min<std::uint64_t>(size - at, buffer.size()));
    MC_ASSIGN(const std::size_t got, read_full(content, at, piece));
    std::fill(piece.begin() + static_cast<std::ptrdiff_t>(got), piece.end(), '\0');
    hash.add(std::as_bytes(piece));
    MC_TRY(point.write(std::as_bytes(piece)));
    at += piece.size();
  }
  record.torn = content.stamp() != before || before.size != static_cast<std::int64_t>(size);
  record.sha256 = hash.finish();
  return {};
}

class Capture {
 public:
  Capture(dsl::env::Env& env, const Unit& unit, PointWriter& point, Manifest& manifest,
          const CaptureProgress& progress)
      : env_(env),
        unit_(unit),
        point_(point),
        manifest_(manifest),
        progress_(progress),
        captured_(manifest.bytes()) {
    record_.name = unit.name;
    record_.root = unit.root;
    record_.version = unit.version;
    record_.generation = unit.generation;
    record_.spec_sha256 = unit.spec_sha256;
    record_.shares_root = unit.shares_root;
  }

  Result<void> run() {
    const TreeVisit visit{.leave_out = [this](const std::string& path) { return leaves_out(path); },
                          .item = [this](TreeItem item) { return one(std::move(item)); },
                          .unreadable = [this](const std::string& path,
                                               const dsl::Error& error) { problem(path, error); }};
    Result<void> walked = walk_tree(unit_.root, visit);
    if (!walked && walked.error().code() != Code::kNotFound &&
        walked.error().code() != Code::kPermissionDenied) {
      return walked;
    }
    if (!walked) {
      problem("", walked.error());
    }
    MC_TRY(point_.end_unit());
    manifest_.units.push_back(std::move(record_));
    return {};
  }

 private:
  void problem(const std::string& path, const dsl::Error& error) {
    record_.problems.push_back(
        text("{}{}{}", unit_.root, path.empty() ? "" : "/" + path, ": " + error.message()));
  }

  bool leaves_out(const std::string& path) const {
    const std::string name = dsl::env::name_of(path);
    if (is_left_out_by_name(name)) {
      return true;
    }
    const std::string absolute = unit_.root + "/" + path;
    return std::find(unit_.leave_out.begin(), unit_.leave_out.end(), absolute) !=
               unit_.leave_out.end() ||
           (is_companion(name) && databases_.contains(path.substr(0, path.rfind('-'))));
  }

  Result<void> one(TreeItem item) {
    if (item.is_database) {
      return database(std::move(item));
    }
    FileRecord record;
    record.entry = named(item.entry);
    if (item.entry.kind != TarKind::kFile) {
      MC_TRY(point_.add(record.entry));
    } else if (item.entry.size_bytes <= kWholeBytesMax) {
      MC_TRY(small_file(item, record));
    } else {
      MC_TRY(store_content(content_of(item), point_, record));
    }
    return keep(std::move(record));
  }

  // As it is called within the point: the unit's name in place of its root.
  TarEntry named(const TarEntry& entry) const {
    TarEntry out = entry;
    out.path = entry.path.empty() ? unit_.name : unit_.name + "/" + entry.path;
    if (entry.kind == TarKind::kHardLink) {
      out.link = unit_.name + "/" + entry.link;
    }
    return out;
  }

  Result<void> keep(FileRecord record) {
    captured_ += record.entry.size_bytes;
    manifest_.files.push_back(std::move(record));
    progress_(unit_.name, captured_);
    return {};
  }

  // Read whole before it is written, so that it can be read again when it changes meanwhile.
  Result<void> small_file(const TreeItem& item, FileRecord& record) {
    const Content from = content_of(item);
    std::string content;
    for (int tries = 1;; ++tries) {
      const Stamp before = from.stamp();
      content.resize(static_cast<std::size_t>(
          std::clamp<std::int64_t>(before.size, 0, static_cast<std::int64_t>(kWholeBytesMax))));
      MC_ASSIGN(const std::size_t got, read_full(from, 0, content));
      record.torn = got != content.size() || from.stamp() != before;
      content.resize(got);
      if (!record.torn || tries == kTriesMax) {
        break;
      }
    }
    record.entry.size_bytes = content.size();
    record.sha256 = dsl::sha256_hex(content);
    MC_TRY(point_.add(record.entry));
    return point_.write(std::as_bytes(std::span(content)));
  }

  // Its last commit, as one file. One that SQLite cannot read is stored as its files are, with its
  // companions: as evidence, and for whoever can make something of it.
  Result<void> database(TreeItem item) {
    const auto image = dsl::db::Image::pin(env_, item.absolute);
    FileRecord record;
    record.entry = named(item.entry);
    if (!image) {
      problem(item.entry.path, image.error());
      MC_TRY(store_content(content_of(item), point_, record));
      return keep(std::move(record));
    }
    databases_.insert(item.entry.path);
    record.entry.size_bytes = (*image)->size_bytes();
    MC_TRY(point_.add(record.entry));
    dsl::Sha256 hash;
    std::uint64_t stored = 0;
    std::optional<dsl::Error> refused;  // by the point: then all is over
    const auto store = [&](std::span<const std::byte> bytes) -> Result<void> {
      hash.add(bytes);
      stored += bytes.size();
      Result<void> written = point_.write(bytes);
      if (!written) {
        refused = written.error();
      }
      return written;
    };
    Result<dsl::db::ImageFacts> facts = (*image)->read(store);
    while (!refused && stored < record.entry.size_bytes) {
      static constexpr std::array<std::byte, kPieceBytes> kZeroes{};
      (void)store(std::span(kZeroes).first(
          std::min<std::uint64_t>(kZeroes.size(), record.entry.size_bytes - stored)));
      record.torn = true;
    }
    if (refused) {
      return tl::unexpected(*refused);
    }
    record.sha256 = hash.finish();
    if (facts) {
      record.database = std::move(*facts);
    } else {
      problem(item.entry.path, facts.error());
    }
    return keep(std::move(record));
  }

  dsl::env::Env& env_;
  const Unit& unit_;
  PointWriter& point_;
  Manifest& manifest_;
  const CaptureProgress& progress_;
  UnitRecord record_;
  std::set<std::string> databases_;  // paths below the root
  std::uint64_t captured_ = 0;
};

}  // namespace

Result<void> capture_unit(dsl::env::Env& env, const Unit& unit, PointWriter& point,
                          Manifest& manifest, const CaptureProgress& progress) {
  return Capture(env, unit, point, manifest, progress).run();
}

Result<void> capture_file(dsl::env::Env& env, const std::string& file, const std::string& path,
                          PointWriter& point, Manifest& manifest) {
  MC_ASSIGN(const auto opened, env.files().open(file, dsl::env::OpenMode::kRead));
  FileRecord record;
  record.entry.path = path;
  record.entry.mode = kPlainMode;
  MC_ASSIGN(record.entry.size_bytes, opened->size());
  MC_TRY(store_content(content_of(*opened), point, record));
  manifest.files.push_back(std::move(record));
  return {};
}

}  // namespace mcp::recovery
