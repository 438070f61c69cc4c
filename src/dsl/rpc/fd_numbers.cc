#include "dsl/rpc/fd_numbers.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>

namespace dsl::rpc {

FdNumbers FdNumbers::below_limit() {
  rlimit limit{};
  MC_ASSERT(getrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit of descriptors can be read");
  // The kernel's table grows with the highest number: not further than is useful.
  constexpr rlim_t kCeilingMax = 32768;
  const int ceiling = static_cast<int>(std::min(limit.rlim_cur, kCeilingMax));
  return FdNumbers(ceiling / 2, ceiling);
}

Result<env::UniqueFd> FdNumbers::raise(env::UniqueFd fd) {
  int number = take(fd.get(), next_);
  if (number < 0) {
    number = take(fd.get(), floor_);
  }
  if (number < 0) {
    return fail(Code::kUnavailable, "no descriptor is left from {} to {}", floor_, ceiling_ - 1);
  }
  next_ = number + 1 < ceiling_ ? number + 1 : floor_;
  return env::UniqueFd(number);
}

// The lowest free number from `from` on; -1 when there is none in the range.
int FdNumbers::take(int fd, int from) const {
  const int number = fcntl(fd, F_DUPFD_CLOEXEC, from);
  if (number >= ceiling_) {
    (void)::close(number);  // a copy: the connection lives on in `fd`
    return -1;
  }
  return number;
}

}  // namespace dsl::rpc
