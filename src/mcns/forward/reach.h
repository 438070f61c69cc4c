// How near to us an address leads: what a stranger names must not make us ask our own machine.
#pragma once

#include <string>

namespace mcns {

enum class Reach {
  kNowhere,  // not one host: unspecified, multicast, broadcast; or IPv4 in an IPv6 address
  kMachine,  // loopback
  kSite,     // RFC 1918, RFC 6598, RFC 4193, link-local
  kAnywhere,
};

// Of a literal; kNowhere for anything else.
Reach reach_of(const std::string& address);

}  // namespace mcns
