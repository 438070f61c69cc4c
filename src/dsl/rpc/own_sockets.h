// The sockets that gRPC has opened or accepted at our addresses, which it does not name.
#pragma once

#include <vector>

#include "dsl/env/socket_address.h"

namespace dsl::rpc {

enum class OwnSockets { kListeners, kConnections };

// Shuts those of this process whose local end is one of `addresses` (of a wildcard every address
// with its port, of a unix socket its path), in both directions: what was written still goes out.
// They are found in /proc; without it nothing happens. Thread-safe.
void shut_own_sockets(const std::vector<env::SocketAddress>& addresses, OwnSockets which);

}  // namespace dsl::rpc
