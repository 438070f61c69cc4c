#include "dsl/env/errno_error.h"

#include <cerrno>
#include <cstring>

namespace dsl::env {
namespace {

Code code_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Code::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kPermissionDenied;
    case EEXIST:
      return Code::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Code::kNoSpace;
    default:
      return Code::kUnavailable;
  }
}

std::string hint_of(int number, const std::string& path) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return text("check the path; `ls -ld {}` shows how far it exists", path);
    case EACCES:
    case EPERM:
      return text("check owner and mode with `namei -l {}`", path);
    case EROFS:
      return text("the file system that holds {} is mounted read-only; `findmnt -T {}` shows it",
                  path, path);
    case ENOSPC:
      return text("free space on the file system that holds {}; `df {}` shows it", path, path);
    case EDQUOT:
      return text("the quota of this user is used up where {} lies; free space or raise it", path);
    case EFBIG:
      return "the file size limit of this process is reached; see `ulimit -f`";
    case EMFILE:
    case ENFILE:
      return "too many open files; raise LimitNOFILE of the unit";
    case EIO:
      return text("the device that holds {} reports errors; see `dmesg`", path);
    case ELOOP:
      return text("{} leads through a loop of symbolic links", path);
    default:
      return {};
  }
}

}  // namespace

Error errno_error(int number, std::string_view action, const std::string& path) {
  // Not strerror: that one is not safe among threads.
  const char* what = ::strerrordesc_np(number);
  Error error(code_of(number), text("cannot {} {}: {}", action, path,
                                    what != nullptr ? what : text("error {}", number).c_str()));
  error.set_hint(hint_of(number, path));
  return error;
}

}  // namespace dsl::env
