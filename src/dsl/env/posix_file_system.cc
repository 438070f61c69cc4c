#include "dsl/env/posix_file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/path.h"
#include "dsl/env/unique_fd.h"

namespace dsl::env {
namespace {

constexpr std::size_t kNoteBytesMax = 4096;

// Calls until it is not interrupted by a signal.
template <class Fn>
auto retry(Fn&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

Failure failed(std::string_view action, const std::string& path) {
  return fail(errno_error(errno, action, path));
}

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kTruncate:
      return O_RDWR | O_CREAT | O_TRUNC;
    case OpenMode::kAppend:
      return O_RDWR | O_CREAT | O_APPEND;  // pwrite(2): on Linux that wins over the offset
  }
  MC_ASSERT(false, "every mode is listed");
}

Result<UniqueFd> open_fd(const std::string& path, int flags, std::uint32_t permissions) {
  UniqueFd fd(retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, permissions); }));
  if (!fd) {
    return failed((flags & O_CREAT) != 0 ? "create" : "open", path);
  }
  return fd;
}

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) {
    return FileKind::kRegular;
  }
  if (S_ISDIR(mode)) {
    return FileKind::kDirectory;
  }
  if (S_ISLNK(mode)) {
    return FileKind::kSymlink;
  }
  return S_ISSOCK(mode) ? FileKind::kSocket : FileKind::kOther;
}

WallTime time_of(const timespec& time) {
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(
      std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

std::int64_t nanoseconds_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileInfo info_of(const struct stat& info) {
  return FileInfo{.kind = kind_of(info.st_mode),
                  .size_bytes = static_cast<std::uint64_t>(info.st_size),
                  .mode = info.st_mode & 07777u,
                  .uid = info.st_uid,
                  .gid = info.st_gid,
                  .inode = info.st_ino,
                  .modified = time_of(info.st_mtim),
                  .modified_ns = nanoseconds_of(info.st_mtim),
                  .changed_ns = nanoseconds_of(info.st_ctim)};
}

short type_of(RangeLock kind) {
  switch (kind) {
    case RangeLock::kNone:
      return F_UNLCK;
    case RangeLock::kShared:
      return F_RDLCK;
    case RangeLock::kExclusive:
      return F_WRLCK;
  }
  MC_ASSERT(false, "every kind is listed");
}

struct flock range_of(std::uint64_t offset, std::uint64_t length, RangeLock kind) {
  struct flock range {};
  range.l_type = type_of(kind);
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(offset);
  range.l_len = static_cast<off_t>(length);
  return range;
}

class PosixMapping final : public Mapping {
 public:
  // `skip` bytes at the front lie before what was asked for.
  PosixMapping(void* address, std::size_t length, std::size_t skip)
      : whole_(static_cast<std::byte*>(address), length), skip_(skip) {}
  ~PosixMapping() override { (void)::munmap(whole_.data(), whole_.size()); }
  PosixMapping(const PosixMapping&) = delete;
  PosixMapping& operator=(const PosixMapping&) = delete;

  std::span<std::byte> bytes() override { return whole_.subspan(skip_); }

 private:
  std::span<std::byte> whole_;
  std::size_t skip_;
};

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, std::string path, bool writable)
      : fd_(std::move(fd)), path_(std::move(path)), writable_(writable) {}
  ~PosixFile() override {
    if (has_locked_) {
      // Explicitly: a child between fork and exec still has the descriptor, and with it the locks.
      struct flock all = range_of(0, 0, RangeLock::kNone);
      (void)::fcntl(fd_.get(), F_OFD_SETLK, &all);
    }
  }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    const ssize_t size = retry(
        [&] { return ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset)); });
    if (size < 0) {
      return failed("read", path_);
    }
    return static_cast<std::size_t>(size);
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) override {
    while (!data.empty()) {
      const ssize_t size = retry([&] {
        return ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
      });
      if (size < 0) {
        return failed("write", path_);
      }
      offset += static_cast<std::uint64_t>(size);
      data = data.subspan(static_cast<std::size_t>(size));
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size_bytes) override {
    if (retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)); }) < 0) {
      return failed("truncate", path_);
    }
    return {};
  }

  Result<void> sync() override {
    // Not tried again when it fails: the kernel may have dropped the pages and marked them clean.
    if (::fsync(fd_.get()) < 0) {
      return failed("sync", path_);
    }
    return {};
  }

  Result<void> sync_data() override {
    if (::fdatasync(fd_.get()) < 0) {
      return failed("sync", path_);
    }
    return {};
  }

  Result<std::uint64_t> size() override {
    MC_ASSIGN(const struct stat info, described());
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<FileInfo> info() override {
    MC_ASSIGN(const struct stat info, described());
    return info_of(info);
  }

  // Locks of the open file description (OFD) and not of the process: those would be shared by all
  // open files of the process and be lost as soon as one of them closes.
  Result<bool> lock_range(std::uint64_t offset, std::uint64_t length, RangeLock kind) override {
    MC_ASSERT(length > 0, "a range has bytes");
    struct flock range = range_of(offset, length, kind);
    if (retry([&] { return ::fcntl(fd_.get(), F_OFD_SETLK, &range); }) < 0) {
      if (errno == EAGAIN || errno == EACCES) {
        return false;
      }
      return failed("lock a range of", path_);
    }
    has_locked_ = true;
    return true;
  }

  Result<RangeLock> others_lock(std::uint64_t offset, std::uint64_t length) override {
    MC_ASSERT(length > 0, "a range has bytes");
    struct flock range = range_of(offset, length, RangeLock::kExclusive);
    if (retry([&] { return ::fcntl(fd_.get(), F_OFD_GETLK, &range); }) < 0) {
      return failed("ask the locks of", path_);
    }
    if (range.l_type == F_UNLCK) {
      return RangeLock::kNone;
    }
    return range.l_type == F_RDLCK ? RangeLock::kShared : RangeLock::kExclusive;
  }

  Result<std::unique_ptr<Mapping>> map_shared(std::uint64_t offset, std::size_t length) override {
    static const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto skip = static_cast<std::size_t>(offset % page_bytes);
    void* address = ::mmap(nullptr, length + skip, writable_ ? PROT_READ | PROT_WRITE : PROT_READ,
                           MAP_SHARED, fd_.get(), static_cast<off_t>(offset - skip));
    if (address == MAP_FAILED) {
      return failed("map", path_);
    }
    return std::make_unique<PosixMapping>(address, length + skip, skip);
  }

 private:
  Result<struct stat> described() const {
    struct stat info {};
    if (::fstat(fd_.get(), &info) < 0) {
      return failed("stat", path_);
    }
    return info;
  }

  UniqueFd fd_;
  std::string path_;
  bool writable_;
  bool has_locked_ = false;
};

// flock belongs to the open file: a second open in this process conflicts too, and children do not
// inherit it, because the descriptor closes on exec.
class PosixLock final : public FileLock {
 public:
  explicit PosixLock(UniqueFd fd) : fd_(std::move(fd)) {}
  // Explicitly: a child between fork and exec still has the descriptor.
  ~PosixLock() override { (void)::flock(fd_.get(), LOCK_UN); }

 private:
  UniqueFd fd_;
};

std::string note_in(File& file) {
  std::array<std::byte, kNoteBytesMax> buffer;
  const Result<std::size_t> size = file.read_at(0, buffer);
  if (!size || *size == 0) {
    return "an unknown process";
  }
  return std::string(reinterpret_cast<const char*>(buffer.data()), *size);
}

Result<void> sync_folder(const std::string& path) {
  MC_ASSIGN(const UniqueFd fd, open_fd(path, O_RDONLY | O_DIRECTORY, 0));
  if (::fsync(fd.get()) < 0) {
    return failed("sync", path);
  }
  return {};
}

Result<void> make_one_directory(const std::string& path, std::uint32_t permissions) {
  if (::mkdir(path.c_str(), permissions) == 0) {
    return sync_folder(folder_of(path));
  }
  const int number = errno;
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      return {};
    }
    return fail(Code::kAlreadyExists, "cannot make directory {}: a file of that name exists", path)
        .hint(text("move {} away", path));
  }
  return fail(errno_error(number, "make directory", path));
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode,
                                                    std::uint32_t permissions) {
  MC_ASSIGN(UniqueFd fd, open_fd(path, flags_of(mode), permissions));
  return std::make_unique<PosixFile>(std::move(fd), path, mode != OpenMode::kRead);
}

Result<FileInfo> PosixFileSystem::stat(const std::string& path, bool follow) {
  struct stat info {};
  if ((follow ? ::stat(path.c_str(), &info) : ::lstat(path.c_str(), &info)) < 0) {
    return failed("stat", path);
  }
  return info_of(info);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (directory == nullptr) {
    return failed("list", path);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") {
      names.push_back(name);
    }
    errno = 0;
  }
  if (errno != 0) {
    return failed("list", path);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) < 0) {
    return failed(text("rename {} to", from), to);
  }
  return {};
}

Result<void> PosixFileSystem::remove(const std::string& path) {
  if (std::remove(path.c_str()) < 0) {
    return failed("remove", path);
  }
  return {};
}

Result<void> PosixFileSystem::make_directories(const std::string& path, std::uint32_t permissions) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    MC_TRY(make_one_directory(path.substr(0, slash), permissions));
  }
  return make_one_directory(path, permissions);
}

Result<void> PosixFileSystem::set_mode(const std::string& path, std::uint32_t permissions) {
  if (::chmod(path.c_str(), permissions) < 0) {
    return failed("change the mode of", path);
  }
  return {};
}

Result<void> PosixFileSystem::set_owner(const std::string& path, std::uint32_t uid,
                                        std::uint32_t gid) {
  if (::chown(path.c_str(), uid, gid) < 0) {
    return failed("change the owner of", path);
  }
  return {};
}

Result<void> PosixFileSystem::sync_directory(const std::string& path) { return sync_folder(path); }

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path,
                                                        std::string_view note) {
  MC_ASSIGN(UniqueFd fd, open_fd(path, O_RDWR | O_CREAT, 0600));
  const int locked = retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); });
  const int number = errno;
  // The lock lives in the open file, so the note is written through a second descriptor of it.
  PosixFile file(UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)), path, true);
  if (locked < 0 && number == EWOULDBLOCK) {
    return fail(Code::kConflict, "{} is locked by {}", path, note_in(file))
        .hint("stop that process, or wait for it to end");
  }
  if (locked < 0) {
    return fail(errno_error(number, "lock", path));
  }
  MC_TRY(file.truncate(0));
  MC_TRY(file.write_at(0, std::as_bytes(std::span(note))));
  return std::make_unique<PosixLock>(std::move(fd));
}

Result<std::string> PosixFileSystem::canonical(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (!real) {
    return failed("follow", path);
  }
  return std::string(real.get());
}

Result<std::uint64_t> PosixFileSystem::free_bytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) < 0) {
    return failed("ask the free space of", path);
  }
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace dsl::env
