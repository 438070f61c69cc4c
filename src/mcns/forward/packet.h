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

// With RD, an OPT record, and one hop more than `question` has. `nonce`: it is a probe.
Packet make_packet(const ForwardQuestion& question, std::optional<std::uint64_t> nonce = {});

// Octets of the question section of a packet of ours.
std::string_view question_section(const Bytes& packet);

}  // namespace mcns
