#include "mcp/recovery/tree.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;
using dsl::env::errno_error;
using dsl::env::UniqueFd;

namespace {

constexpr std::size_t kXattrBytesMax = 64u << 10;
constexpr int kDepthMax = 256;
constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::int64_t in_ns(const timespec& time) { return time.tv_sec * kNanoseconds + time.tv_nsec; }

class Walk {
 public:
  Walk(std::string root, const TreeVisit& visit) : root_(std::move(root)), visit_(visit) {}

  Result<void> run() {
    UniqueFd fd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
      return dsl::fail(errno_error(errno, "open", root_));
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
      return dsl::fail(errno_error(errno, "look at", root_));
    }
    return directory(std::move(fd), "", status, 0);
  }

 private:
  void unreadable(const std::string& path, const dsl::Error& error) const {
    // Gone meanwhile: it is not there to be kept.
    if (error.code() != Code::kNotFound) {
      visit_.unreadable(path, error);
    }
  }
  std::string absolute(const std::string& path) const {
    return path.empty() ? root_ : root_ + "/" + path;
  }

  TreeItem item_of(const std::string& path, const struct stat& status, TarKind kind) const {
    TreeItem item;
    item.absolute = absolute(path);
    item.entry.path = path;
    item.entry.kind = kind;
    item.entry.mode = status.st_mode & 07777;
    item.entry.uid = status.st_uid;
    item.entry.gid = status.st_gid;
    item.entry.mtime_ns = in_ns(status.st_mtim);
    item.ctime_ns = in_ns(status.st_ctim);
    return item;
  }

  // Of an open file or directory. What a file system does not have is none.
  static void read_xattrs(int fd, TarEntry& entry) {
    std::string names(kXattrBytesMax, '\0');
    const ssize_t length = ::flistxattr(fd, names.data(), names.size());
    for (std::size_t at = 0; length > 0 && at < static_cast<std::size_t>(length);) {
      const std::string name(names.c_str() + at);
      at += name.size() + 1;
      std::string value(kXattrBytesMax, '\0');
      const ssize_t size = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
      // Those of the system belong to the machine (labels, capabilities of another map).
      if (size >= 0 && name.starts_with("user.")) {
        value.resize(static_cast<std::size_t>(size));
        entry.xattrs.emplace_back(name, std::move(value));
      }
    }
    std::sort(entry.xattrs.begin(), entry.xattrs.end());
  }

  Result<void> directory(UniqueFd fd, const std::string& path, const struct stat& status,
                         int depth) {
    TreeItem item = item_of(path, status, TarKind::kDirectory);
    read_xattrs(fd.get(), item.entry);
    MC_TRY(visit_.item(std::move(item)));
    if (depth >= kDepthMax) {
      unreadable(path, dsl::fail(Code::kTooLarge, "more than {} directories deep", kDepthMax));
      return {};
    }
    Result<std::vector<std::string>> names = names_in(fd.get(), path);
    if (!names) {
      unreadable(path, names.error());
      return {};
    }
    for (const std::string& name : *names) {
      const std::string below = path.empty() ? name : path + "/" + name;
      if (!visit_.leave_out(below)) {
        MC_TRY(one(fd.get(), name, below, depth));
      }
    }
    return {};
  }

  static Result<std::vector<std::string>> names_in(int fd, const std::string& path) {
    UniqueFd copy(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* stream = copy ? ::fdopendir(copy.get()) : nullptr;
    if (stream == nullptr) {
      return dsl::fail(errno_error(errno, "list", path));
    }
    (void)copy.release();  // the stream closes it
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* each = ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe): ours alone
      const std::string name = static_cast<const char*>(each->d_name);
      if (name != "." && name != "..") {
        names.push_back(name);
      }
    }
    const int error = errno;
    ::closedir(stream);
    if (error != 0) {
      return dsl::fail(errno_error(error, "list", path));
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> one(int parent, const std::string& name, const std::string& path, int depth) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      unreadable(path, errno_error(errno, "look at", absolute(path)));
      return {};
    }
    if (S_ISLNK(status.st_mode)) {
      return link(parent, name, path, status);
    }
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
      return {};  // sockets, fifos and devices are made by whoever needs them
    }
    UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!fd || ::fstat(fd.get(), &status) != 0) {
      unreadable(path, errno_error(errno, "open", absolute(path)));
      return {};
    }
    if (S_ISDIR(status.st_mode)) {
      return directory(std::move(fd), path, status, depth + 1);
    }
    return S_ISREG(status.st_mode) ? file(std::move(fd), path, status) : Result<void>();
  }

  Result<void> link(int parent, const std::string& name, const std::string& path,
                    const struct stat& status) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(parent, name.c_str(), target.data(), target.size());
    if (size < 0) {
      unreadable(path, errno_error(errno, "read the link", absolute(path)));
      return {};
    }
    TreeItem item = item_of(path, status, TarKind::kSymlink);
    item.entry.link.assign(target.data(), static_cast<std::size_t>(size));
    return visit_.item(std::move(item));
  }

  Result<void> file(UniqueFd fd, const std::string& path, const struct stat& status) {
    TreeItem item = item_of(path, status, TarKind::kFile);
    if (status.st_nlink > 1) {
      const auto [first, is_new] = names_.try_emplace({status.st_dev, status.st_ino}, path);
      if (!is_new) {
        item.entry.kind = TarKind::kHardLink;
        item.entry.link = first->second;
        return visit_.item(std::move(item));
      }
    }
    item.entry.size_bytes = static_cast<std::uint64_t>(status.st_size);
    read_xattrs(fd.get(), item.entry);
    std::array<char, kSqliteMagic.size()> head{};
    item.is_database = ::pread(fd.get(), head.data(), head.size(), 0) == ssize_t{head.size()} &&
                       std::string_view(head.data(), head.size()) == kSqliteMagic;
    item.fd = std::move(fd);
    return visit_.item(std::move(item));
  }

  const std::string root_;
  const TreeVisit& visit_;
  std::map<std::pair<dev_t, ino_t>, std::string> names_;  // of files with several
};

}  // namespace

Result<void> walk_tree(const std::string& root, const TreeVisit& visit) {
  return Walk(root, visit).run();
}

}  // namespace mcp::recovery
