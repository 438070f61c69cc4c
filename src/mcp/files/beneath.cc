#include "mcp/files/beneath.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mcp::files {

namespace {

constexpr int kLinksMax = 40;  // as the kernel counts them
constexpr int kTries = 8;

UniqueFd failed(int number) {
  errno = number;
  return {};
}

UniqueFd by_kernel(int root, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  // EAGAIN: something was renamed meanwhile, so that the kernel could not be sure.
  for (int tries = 0; tries < kTries; ++tries) {
    fd = static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN) {
      break;
    }
  }
  return UniqueFd(fd);
}

// Parts of a path; empty ones and "." are left out.
std::deque<std::string> parts_of(const std::string& path) {
  std::deque<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    std::string part = path.substr(at, slash - at);
    if (!part.empty() && part != ".") {
      parts.push_back(std::move(part));
    }
    at = slash + 1;
  }
  return parts;
}

// One part after the other, each opened without following a link. What ".." of a link leads back to
// is what we came through, not what the directory says its parent is by now.
class Steps {
 public:
  Steps(int root, int flags, mode_t mode) : root_(root), flags_(flags | O_CLOEXEC), mode_(mode) {}

  UniqueFd open(const std::string& path) {
    std::deque<std::string> parts = parts_of(path);
    while (!parts.empty()) {
      const std::string part = std::move(parts.front());
      parts.pop_front();
      if (part == "..") {
        if (folders_.empty()) {
          return failed(EXDEV);
        }
        folders_.pop_back();
        continue;
      }
      const bool last = parts.empty();
      if (is_link(part) && !(last && (flags_ & O_NOFOLLOW) != 0)) {
        if (const int error = follow(part, parts); error != 0) {
          return failed(error);
        }
        continue;
      }
      if (last) {
        return UniqueFd(::openat(here(), part.c_str(), flags_ | O_NOFOLLOW, mode_));
      }
      UniqueFd folder(
          ::openat(here(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!folder) {
        return {};
      }
      folders_.push_back(std::move(folder));
    }
    return UniqueFd(::openat(here(), ".", flags_, mode_));
  }

 private:
  int here() const { return folders_.empty() ? root_ : folders_.back().get(); }

  bool is_link(const std::string& part) const {
    struct stat info {};
    return ::fstatat(here(), part.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISLNK(info.st_mode);
  }

  int follow(const std::string& part, std::deque<std::string>& parts) {
    const std::string to = link_of(here(), part);
    if (to.empty() || ++links_ > kLinksMax) {
      return ELOOP;
    }
    if (to.front() == '/') {
      return EXDEV;
    }
    const std::deque<std::string> more = parts_of(to);
    parts.insert(parts.begin(), more.begin(), more.end());
    return 0;
  }

  const int root_;
  const int flags_;
  const mode_t mode_;
  std::vector<UniqueFd> folders_;
  int links_ = 0;
};

}  // namespace

UniqueFd open_beneath(int root, const std::string& path, int flags, mode_t mode,
                      Resolver resolver) {
  if (path.find('\0') != std::string::npos) {
    return failed(EINVAL);
  }
  if (!path.empty() && path.front() == '/') {
    return failed(EXDEV);
  }
  const std::string shown = path.empty() ? "." : path;
  if (resolver == Resolver::kKernel) {
    UniqueFd fd = by_kernel(root, shown, flags, mode);
    // systemd's RestrictSUIDSGID= takes openat2 away, since a filter cannot see into its arguments.
    if (fd || (errno != ENOSYS && errno != EPERM)) {
      return fd;
    }
  }
  return Steps(root, flags, mode).open(shown);
}

UniqueFd open_root(const std::string& directory) {
  return UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::string link_of(int folder, const std::string& name) {
  std::array<char, PATH_MAX> to{};
  const ssize_t size = ::readlinkat(folder, name.c_str(), to.data(), to.size());
  return size > 0 ? std::string(to.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace mcp::files
