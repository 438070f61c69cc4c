// Who holds a host port, and whether it is free.
#pragma once

#include <cstdint>
#include <string>

namespace mcp::agent {

// Binds and closes: true when `ip` (empty = every address) and port are free for `protocol`.
bool port_is_free(const std::string& ip, std::uint16_t port, const std::string& protocol);

// "dnsmasq (pid 612)", "uid 0" when the process is another user's, "" when nobody listens.
std::string port_holder(const std::string& ip, std::uint16_t port, const std::string& protocol);

}  // namespace mcp::agent
