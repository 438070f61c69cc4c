#include "mcp/recovery/unpack.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/path.h"

namespace mcp::recovery {

using dsl::fail;
using dsl::archive::Source;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;
using dsl::env::errno_error;
using dsl::env::UniqueFd;

namespace {

constexpr std::size_t kPieceBytes = 1u << 20;
constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr mode_t kUntilDressed = 0700;
constexpr std::string_view kProcFd = "/proc/self/fd/";

// Opens below `root` through no link at all.
UniqueFd open_beneath(int root, const std::string& path, int flags, mode_t mode = 0) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how)));
}

timespec in_seconds(std::int64_t ns) {
  std::int64_t seconds = ns / kNanoseconds;
  std::int64_t rest = ns % kNanoseconds;
  if (rest < 0) {
    --seconds;
    rest += kNanoseconds;
  }
  return {.tv_sec = seconds, .tv_nsec = rest};
}

std::array<timespec, 2> times_of(const TarEntry& entry) {
  return {in_seconds(entry.mtime_ns), in_seconds(entry.mtime_ns)};
}

Result<void> write_all(int fd, std::span<const char> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return fail(errno_error(errno, "write", path));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Unpacker::Unpacker(UniqueFd root, std::string directory)
    : root_(std::move(root)),
      directory_(std::move(directory)),
      sets_owners_(::geteuid() == 0),
      buffer_(kPieceBytes) {}

Result<Unpacker> Unpacker::open(const std::string& directory) {
  UniqueFd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return fail(errno_error(errno, "open", directory));
  }
  return Unpacker(std::move(root), directory);
}

Result<void> Unpacker::add(const TarEntry& entry, const std::string& path, const std::string& link,
                           const Source& content) {
  switch (entry.kind) {
    case TarKind::kFile:
      return make_file(entry, path, content);
    case TarKind::kDirectory:
      return make_directory(entry, path);
    case TarKind::kSymlink:
      return make_symlink(entry, path);
    case TarKind::kHardLink:
      return make_hard_link(path, link);
  }
  return {};
}

Result<Unpacker::Place> Unpacker::place_of(const std::string& path) const {
  const std::string folder = dsl::env::folder_of(path);
  Place place{open_beneath(root_.get(), folder == "." ? "" : folder, O_RDONLY | O_DIRECTORY),
              dsl::env::name_of(path)};
  if (!place.parent) {
    return fail(errno_error(errno, "open", directory_ + "/" + folder));
  }
  return place;
}

Result<void> Unpacker::make_file(const TarEntry& entry, const std::string& path,
                                 const Source& content) {
  const UniqueFd fd =
      open_beneath(root_.get(), path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kUntilDressed);
  if (!fd) {
    return fail(errno_error(errno, "make", directory_ + "/" + path));
  }
  while (true) {
    MC_ASSIGN(const std::size_t count, content(std::as_writable_bytes(std::span(buffer_))));
    if (count == 0) {
      break;
    }
    MC_TRY(write_all(fd.get(), std::span(buffer_).first(count), path));
  }
  return dress(fd.get(), entry);
}

Result<void> Unpacker::make_directory(const TarEntry& entry, const std::string& path) {
  if (!path.empty()) {
    MC_ASSIGN(const Place place, place_of(path));
    if (::mkdirat(place.parent.get(), place.name.c_str(), kUntilDressed) != 0) {
      return fail(errno_error(errno, "make the directory", directory_ + "/" + path));
    }
  }
  directories_.push_back({path, entry});
  return {};
}

Result<void> Unpacker::make_symlink(const TarEntry& entry, const std::string& path) {
  MC_ASSIGN(const Place place, place_of(path));
  const int parent = place.parent.get();
  const char* name = place.name.c_str();
  const auto times = times_of(entry);
  if (::symlinkat(entry.link.c_str(), parent, name) != 0 ||
      (sets_owners_ && ::fchownat(parent, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) ||
      ::utimensat(parent, name, times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(errno_error(errno, "make the link", directory_ + "/" + path));
  }
  return {};
}

Result<void> Unpacker::make_hard_link(const std::string& path, const std::string& to) {
  // The first name is opened below the root, and the second made for what was opened.
  const UniqueFd first = open_beneath(root_.get(), to, O_PATH | O_NOFOLLOW);
  MC_ASSIGN(const Place place, place_of(path));
  const std::string from = std::string(kProcFd) + std::to_string(first.get());
  if (!first || ::linkat(AT_FDCWD, from.c_str(), place.parent.get(), place.name.c_str(),
                         AT_SYMLINK_FOLLOW) != 0) {
    return fail(errno_error(errno, "make the link", directory_ + "/" + path));
  }
  return {};
}

// The owner first: a change of it takes special bits of the mode away.
Result<void> Unpacker::dress(int fd, const TarEntry& entry) const {
  const std::string path = directory_ + "/" + entry.path;
  if (sets_owners_ && ::fchown(fd, entry.uid, entry.gid) != 0) {
    return fail(errno_error(errno, "give its owner to", path))
        .hint("owner outside of this user's map of ids: see /etc/subuid, mcp-agent doctor subid");
  }
  for (const auto& [name, value] : entry.xattrs) {
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0) {
      return fail(errno_error(errno, "set the attribute " + name + " of", path));
    }
  }
  const auto times = times_of(entry);
  if (::fchmod(fd, entry.mode) != 0 || ::futimens(fd, times.data()) != 0) {
    return fail(errno_error(errno, "set mode and time of", path));
  }
  return {};
}

Result<void> Unpacker::finish() {
  // The inner ones first: a directory's mode may shut us out, and its time changes with its
  // content.
  for (auto each = directories_.rbegin(); each != directories_.rend(); ++each) {
    const UniqueFd fd = open_beneath(root_.get(), each->path, O_RDONLY | O_DIRECTORY);
    if (!fd) {
      return fail(errno_error(errno, "open", directory_ + "/" + each->path));
    }
    MC_TRY(dress(fd.get(), each->entry));
  }
  if (::syncfs(root_.get()) != 0) {
    return fail(errno_error(errno, "sync", directory_));
  }
  return {};
}

}  // namespace mcp::recovery
