// Listening sockets, made here or handed over by systemd.
#pragma once

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"

namespace dsl::net {

struct ListenOptions {
  int backlog = 1024;
  bool reuse_port = false;  // SO_REUSEPORT: several sockets share the port, one for each loop
};

// A non-blocking listening TCP socket. kConflict when the port is taken, kPermissionDenied.
Result<env::UniqueFd> listen_on(const env::SocketAddress& address,
                                const ListenOptions& options = {});

// Takes a descriptor that somebody else has bound (systemd's socket activation); owned from then
// on, also with an error. kInvalidArgument when it is not a listening stream socket.
Result<env::UniqueFd> adopt_listener(int fd);

// From now on the kernel drops new connections to this listener, and those that have connected can
// still be accepted: closing it at once would reset them. Not for a socket that is shared.
void refuse_new(int listener);

// OpenSSL writes with write(2), which no flag keeps from raising SIGPIPE: unless this process
// handles that signal, it ignores it from now on.
void ignore_sigpipe();

}  // namespace dsl::net
