#include "mcp/files/perform.h"

#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mcp::files {

namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr mode_t kPartialMode = 0600;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY;

Kind kind_of(mode_t mode) {
  return S_ISREG(mode)   ? Kind::kFile
         : S_ISDIR(mode) ? Kind::kDirectory
         : S_ISLNK(mode) ? Kind::kLink
                         : Kind::kOther;
}

Info info_of(const struct stat& info) {
  return {.kind = kind_of(info.st_mode),
          .mode = info.st_mode & 0777,
          .uid = info.st_uid,
          .gid = info.st_gid,
          .size_bytes = static_cast<std::uint64_t>(info.st_size),
          .modified_ns = info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

Performed failed(int error, Stage stage, const Info& info = {}) {
  return {.answer = {.error = error, .stage = stage, .info = info}, .fd = {}};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Entries of a directory, without "." and "..". `fd` stays its owner's.
class Directory {
 public:
  explicit Directory(int fd) : stream_(::fdopendir(::fcntl(fd, F_DUPFD_CLOEXEC, 3)), ::closedir) {
    if (stream_) {
      ::rewinddir(stream_.get());
    }
  }

  // Empty at the end and on failure; errno tells them apart.
  std::string next() {
    while (stream_) {
      errno = 0;
      // One stream, one thread.
      const dirent* entry = ::readdir(stream_.get());  // NOLINT(concurrency-mt-unsafe)
      if (entry == nullptr) {
        return {};
      }
      std::string name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") {
        return name;
      }
    }
    return {};
  }

 private:
  std::unique_ptr<DIR, int (*)(DIR*)> stream_;
};

class Work {
 public:
  Work(int root, const Request& request, const Eyes& eyes)
      : root_(root), request_(request), eyes_(eyes) {}

  Performed run() {
    switch (request_.op) {
      case Op::kLook:
        return look();
      case Op::kList:
        return list();
      case Op::kOpen:
        return open();
      case Op::kOpenPartial:
        return open_partial();
      case Op::kCommit:
        return commit();
      case Op::kDropPartial:
        return drop_partial();
      case Op::kSweep:
        return sweep();
    }
    return failed(EINVAL, Stage::kPath);
  }

 private:
  UniqueFd beneath(int flags) const {
    return open_beneath(root_, request_.path, flags, 0, eyes_.resolver);
  }

  Performed look() {
    const UniqueFd place = beneath(O_PATH | (request_.follow ? 0 : O_NOFOLLOW));
    struct stat info {};
    if (!place || ::fstat(place.get(), &info) != 0) {
      return failed(errno, Stage::kPath);
    }
    return {.answer = {.info = info_of(info)}, .fd = {}};
  }

  // By a look first, since to open a device may do something, and a fifo waits.
  Performed open() {
    Performed seen = look();
    if (seen.answer.error != 0 || seen.answer.info.kind != Kind::kFile) {
      return seen;
    }
    UniqueFd file = beneath(O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0) {
      return failed(errno, Stage::kFile);
    }
    if (!S_ISREG(info.st_mode)) {
      return {.answer = {.info = info_of(info)}, .fd = {}};
    }
    return {.answer = {.info = info_of(info)}, .fd = std::move(file)};
  }

  Performed list() {
    const UniqueFd folder = beneath(kFolderFlags);
    struct stat info {};
    if (!folder) {
      return errno == ENOTDIR ? look() : failed(errno, Stage::kPath);
    }
    UniqueFd memory(::memfd_create("list", MFD_CLOEXEC));
    if (!memory || ::fstat(folder.get(), &info) != 0) {
      return failed(errno, Stage::kFile);
    }
    Performed done{.answer = {.info = info_of(info)}, .fd = std::move(memory)};
    Directory directory(folder.get());
    std::string bytes;
    std::size_t count = 0;
    for (std::string name = directory.next(); !name.empty(); name = directory.next()) {
      if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
          continue;  // gone since
        }
        return failed(errno, Stage::kFile);
      }
      if (++count > kEntriesMax) {
        done.answer.cut = true;
        break;
      }
      Entry entry{.name = name, .link = {}, .info = info_of(info)};
      if (entry.info.kind == Kind::kLink) {
        entry.link = link_of(folder.get(), name);
      }
      append(bytes, entry);
    }
    if (!done.answer.cut && errno != 0) {
      return failed(errno, Stage::kFile);
    }
    if (!write_all(done.fd.get(), bytes)) {
      return failed(errno, Stage::kFile);
    }
    return done;
  }

  // A partial file that somebody else has put there, or holds by another name, is not written to.
  Performed open_partial() {
    const UniqueFd folder = beneath(kFolderFlags);
    if (!folder) {
      return failed(errno, Stage::kFolder);
    }
    const char* name = request_.partial.c_str();
    constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    UniqueFd file(::openat(folder.get(), name, kFlags, kPartialMode));
    struct stat info {};
    const bool ours = file && ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) &&
                      info.st_nlink == 1 && info.st_uid == ::geteuid();
    if (!ours) {
      if (!file && errno != ELOOP && errno != ENXIO && errno != EACCES && errno != EISDIR) {
        return failed(errno, Stage::kFile);
      }
      if (::unlinkat(folder.get(), name, 0) != 0) {
        return failed(errno == ENOENT ? EACCES : errno, Stage::kFile);
      }
      file = UniqueFd(::openat(folder.get(), name, kFlags | O_EXCL, kPartialMode));
    }
    if (!file || ::fstat(file.get(), &info) != 0) {
      return failed(errno, Stage::kFile);
    }
    return {.answer = {.info = info_of(info)}, .fd = std::move(file)};
  }

  bool is_overflow(std::uint32_t uid, std::uint32_t gid) const {
    return eyes_.overflow_id && (uid == *eyes_.overflow_id || gid == *eyes_.overflow_id);
  }

  // Owner first: it may be refused, and nothing was changed then; and it takes bits of the mode.
  Performed commit() {
    const UniqueFd folder = beneath(kFolderFlags);
    struct stat around {};
    if (!folder || ::fstat(folder.get(), &around) != 0) {
      return failed(errno, Stage::kFolder);
    }
    const char* partial = request_.partial.c_str();
    const char* target = request_.target.c_str();
    const UniqueFd file(
        ::openat(folder.get(), partial, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0) {
      return failed(errno, Stage::kFile);
    }
    struct stat former {};
    const bool replaces = ::fstatat(folder.get(), target, &former, AT_SYMLINK_NOFOLLOW) == 0;
    if (!replaces && errno != ENOENT) {
      return failed(errno, Stage::kPath);
    }
    if (replaces && !S_ISREG(former.st_mode)) {
      return failed(EEXIST, Stage::kPath, info_of(former));
    }
    const struct stat& model = replaces ? former : around;
    const bool nobodys = is_overflow(model.st_uid, model.st_gid);
    if (replaces && nobodys) {
      return failed(EPERM, Stage::kOwner, info_of(former));
    }
    const bool differs = info.st_uid != model.st_uid || info.st_gid != model.st_gid;
    if (differs && !nobodys && ::fchown(file.get(), model.st_uid, model.st_gid) != 0) {
      return failed(errno, Stage::kOwner, info_of(model));
    }
    if (::fchmod(file.get(), request_.mode) != 0) {
      return failed(errno, Stage::kOwner);
    }
    if (::fsync(file.get()) != 0) {
      return failed(errno, Stage::kSync);
    }
    if (::renameat(folder.get(), partial, folder.get(), target) != 0) {
      return failed(errno, Stage::kFile);
    }
    if (::fsync(folder.get()) != 0 || ::fstat(file.get(), &info) != 0) {
      return failed(errno, Stage::kSync);
    }
    return {.answer = {.info = info_of(info)}, .fd = {}};
  }

  Performed drop_partial() {
    const UniqueFd folder = beneath(kFolderFlags);
    if (!folder) {
      return failed(errno, Stage::kFolder);
    }
    if (::unlinkat(folder.get(), request_.partial.c_str(), 0) != 0 && errno != ENOENT) {
      return failed(errno, Stage::kFile);
    }
    return {};
  }

  Performed sweep() {
    const UniqueFd folder = beneath(kFolderFlags);
    if (!folder) {
      return failed(errno, Stage::kFolder);
    }
    Directory directory(folder.get());
    for (std::string name = directory.next(); !name.empty(); name = directory.next()) {
      struct stat info {};
      if (is_partial_name(name) &&
          ::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISREG(info.st_mode) && info.st_mtim.tv_sec < request_.before_s &&
          ::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        return failed(errno, Stage::kFile);
      }
    }
    return {};
  }

  const int root_;
  const Request& request_;
  const Eyes& eyes_;
};

}  // namespace

Performed perform(int root, const Request& request, const Eyes& eyes) {
  return Work(root, request, eyes).run();
}

}  // namespace mcp::files
