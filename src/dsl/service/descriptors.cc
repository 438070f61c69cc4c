#include "dsl/service/descriptors.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "dsl/env/unique_fd.h"

namespace dsl::service {

void make_room_for_descriptors() {
  constexpr rlim_t kDescriptorsMax = 32768;
  rlimit limit{};
  const env::UniqueFd any(::eventfd(0, EFD_CLOEXEC));
  if (!any || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return;  // only speed depends on it
  }
  const auto last = static_cast<int>(std::min(limit.rlim_cur, kDescriptorsMax)) - 1;
  const env::UniqueFd high(::fcntl(any.get(), F_DUPFD_CLOEXEC, last));
}

}  // namespace dsl::service
