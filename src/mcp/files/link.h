// The line between the agent and the namespace helper: one message at a time, each with at most one
// descriptor, over a Unix socket that keeps messages apart.
#pragma once

#include <string>
#include <string_view>

#include "mcp/files/beneath.h"

namespace mcp::files {

struct Message {
  int error = 0;  // errno; ECONNRESET when the other end has gone
  std::string bytes;
  UniqueFd fd;
};

// Functions on a connected socket. Nothing is waited for longer than `timeout_ms` (ETIMEDOUT); -1 =
// for ever.
int send_message(int socket, std::string_view bytes, int fd = -1);
Message receive_message(int socket, int timeout_ms);

// The agent's end: a listening socket by the name kSocketName in the directory `folder`, which the
// helper sees under another path.
inline constexpr const char* kSocketName = "s";
UniqueFd listen_in(const std::string& folder);
// The first to connect, who must be `uid`. Empty with errno, ETIMEDOUT when nobody came.
UniqueFd accept_from(int listener, std::uint32_t uid, int timeout_ms);
// The helper's end. The path must be short.
UniqueFd connect_to(const std::string& path);

}  // namespace mcp::files
