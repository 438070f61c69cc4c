// A look at what a server shows, to explain why it is not trusted.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dsl/result/result.h"
#include "dsl/tls/tls.h"

namespace dsl::tls {

struct PeerLook {
  std::vector<Certificate> chain;  // as shown, the leaf first; outside input
  std::string fault;               // why `context` does not trust it; empty when it does
  bool wrong_name = false;         // the fault is the name alone
};

// Connects to `address`, a literal with a port ("192.0.2.7:9444", "[::1]:9444"), and shakes hands
// for `name`. kUnavailable when no TLS 1.3 handshake came about within `patience`, whatever the
// certificate is. Blocks.
Result<PeerLook> look_at_peer(env::Env& env, const std::string& address, const std::string& name,
                              const Context& context, std::chrono::milliseconds patience);

}  // namespace dsl::tls
