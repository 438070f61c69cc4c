// What is sent to an upstream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "mcns/forward/forwarder.h"
#include "mcns/wire/name.h"

namespace mcns {

// A query with id 0: each time that it is sent it gets another.
using Packet = std::shared_ptr<const Bytes>;

// Who is asked.
enum class Role {
  kResolver,  // with RD
  kServer,    // of a zone: without
};

// With an OPT record, and one hop more than `question` has. `nonce`: it is a probe.
Packet make_packet(const ForwardQuestion& question, std::optional<std::uint64_t> nonce = {},
                   Role role = Role::kResolver);

// The same for a connection on which the upstream has proven who it is: with padding to a multiple
// of 128 octets (RFC 8467 section 4.1), so that its size tells little, and with the AD bit, by
// which whoever validates says what came of it (RFC 6840 section 5.7).
Packet sealed_packet(const Packet& packet);

// Octets of the question section of a packet of ours.
std::string_view question_section(const Bytes& packet);

}  // namespace mcns
