// A unix socket in a directory, whatever the length of its path.
#pragma once

#include <string>
#include <string_view>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace dsl::env {

// An address holds 107 bytes of a path, which is too few for many a directory: so the directory is
// named by a descriptor, which has to stay open while the address is used. To others the socket has
// its usual path.
struct UnixSocketPlace {
  UniqueFd directory;
  SocketAddress address;
};

// kNotFound and the other errors of an open when there is no such directory.
Result<UnixSocketPlace> unix_socket_in(const std::string& directory, std::string_view file);

}  // namespace dsl::env
