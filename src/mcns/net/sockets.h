// The sockets that DNS is asked on: bound here, or taken over from whoever holds them.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"
#include "mcns/resolve/counters.h"

namespace mcns::net {

struct DnsSocket {
  dsl::env::UniqueFd fd;  // non-blocking; a listener for kTcp
  Transport transport = Transport::kUdp;
  std::string address;       // "192.0.2.1:53", where it is really bound
  bool any_address = false;  // bound to every address: an answer has to name the one it comes from
};

// What one of `listen` means: several for ":53". kInvalidArgument.
dsl::Result<std::vector<dsl::env::SocketAddress>> listen_addresses(const std::string& listen);

// For each of `listen` ("192.0.2.1:53", "[::1]:53", ":53" = every address) a UDP and a TCP socket
// per worker, sharing the port; with port 0 all of an address share the one that is found.
// kConflict when the port is taken, kPermissionDenied, each with the ways out.
dsl::Result<std::vector<DnsSocket>> bind_sockets(const std::vector<std::string>& listen,
                                                 int workers);

// Sockets that were bound by somebody else; kInvalidArgument for one that is neither UDP nor a TCP
// listener.
dsl::Result<DnsSocket> adopt_socket(dsl::env::UniqueFd fd);

}  // namespace mcns::net
