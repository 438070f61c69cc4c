// Sockets handed from the node's agent to a service over a unix socket (SCM_RIGHTS): both ends.
//
// The agent listens in a directory that the service's container has mounted. The directory and not
// the socket, so that an agent that starts anew is found under the same name.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/unique_fd.h"
#include "dsl/net/packet_link.h"
#include "dsl/result/result.h"

namespace dsl::service {

// What a service is told the directory by.
inline constexpr const char* kSocketsVariable = "MC_SOCKETS";
// The agent's socket in it.
inline constexpr std::string_view kSocketsFile = "agent.sock";

struct HandedSocket {
  std::string name;
  env::UniqueFd fd;
};

// --- the service's end ---
// Asks once, and waits for at most `patience` at each step. Close-on-exec; in the agent's order.
// kUnavailable when nobody listens there, nobody answers, or the agent does not hold them now;
// kInvalidArgument and kUnimplemented when what is said there is not the exchange.
Result<std::vector<HandedSocket>> fetch_sockets(const std::string& directory,
                                                std::chrono::milliseconds patience);

// --- the agent's end ---
// Listens in `directory`, in place of a socket that a former agent has left.
Result<net::PacketListener> listen_for_services(const std::string& directory);
// Waits for at most `patience` for the request of a service that came there, and answers it. With
// `refusal` no sockets are handed over. Services of another user are refused.
struct OfferedSocket {
  std::string_view name;
  int fd = -1;  // stays the caller's
};
Result<void> answer_service(const net::PacketLink& link, std::span<const OfferedSocket> sockets,
                            const std::string& refusal, std::chrono::milliseconds patience);

}  // namespace dsl::service
