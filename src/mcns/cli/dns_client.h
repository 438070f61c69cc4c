// Questions to a DNS server as any client would send them, so that `mcns` alone can tell what is
// wrong.
#pragma once

#include <chrono>
#include <string>

#include "dsl/env/env.h"
#include "dsl/env/socket_address.h"
#include "mcns/wire/message.h"

namespace mcns::cli {

using dsl::Result;

enum class DnsTransport { kUdp, kTcp };
std::string_view text(DnsTransport transport);  // "udp"

// Asks once, with recursion desired, and waits up to `timeout` for the answer. kDeadlineExceeded,
// kUnavailable when nobody listens there, kDataLoss for an answer that is no message.
Result<Message> ask(dsl::env::Env& env, const dsl::env::SocketAddress& server,
                    DnsTransport transport, const Name& name, Type type,
                    std::chrono::milliseconds timeout);

// "udp 0.0.0.0:53" of a status as an address that can be asked from this machine. kInvalidArgument.
Result<dsl::env::SocketAddress> listener_address(std::string_view listener);

}  // namespace mcns::cli
