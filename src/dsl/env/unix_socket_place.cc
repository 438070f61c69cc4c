#include "dsl/env/unix_socket_place.h"

#include <cerrno>

#include <fcntl.h>

#include "dsl/env/errno_error.h"
#include "dsl/result/text.h"

namespace dsl::env {

Result<UnixSocketPlace> unix_socket_in(const std::string& directory, std::string_view file) {
  UnixSocketPlace place;
  place.directory = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.directory) {
    return fail(errno_error(errno, "open", directory));
  }
  MC_ASSIGN(place.address,
            unix_socket_address(text("/proc/self/fd/{}/{}", place.directory.get(), file)));
  return place;
}

}  // namespace dsl::env
