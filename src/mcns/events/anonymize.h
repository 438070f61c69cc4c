// Client addresses as they may be kept: the network, not the machine.
#pragma once

#include <string>
#include <string_view>

#include "mcns/events/event.h"

namespace mcns {

// The first 24 bits of an IPv4 address, 48 of an IPv6 address, and no port.
EventAddress anonymized(const EventAddress& address);

// A question with the client subnet that it may name (RFC 7871) cut to as many bits. Of one that
// cannot be read nothing is kept but its header.
std::string anonymized_query(std::string_view packet);

}  // namespace mcns
