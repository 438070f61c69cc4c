// The bytes by which a service asks its node's agent for sockets, and by which it is answered
// (docs/formats/sockets.md). Pure: the descriptors themselves travel beside them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace dsl::service {

inline constexpr std::size_t kHandedSocketsMax = 64;    // far more than a service has listeners
inline constexpr std::size_t kSocketNameMax = 63;       // bytes of [a-z0-9-]
inline constexpr std::size_t kSocketRefusalMax = 512;   // bytes; what is longer is cut
inline constexpr std::size_t kSocketMessageMax = 8192;  // a packet of more is refused unread

// What the agent answers: a name for each descriptor that comes with it, in their order, or a
// refusal. Several may have one name.
struct SocketReply {
  std::vector<std::string> names;
  std::string refusal;  // empty = they are handed over
};

// "Hand me my sockets", in the one version there is.
std::string write_socket_request();
// kUnimplemented for another version than ours, kInvalidArgument for what is no request.
Result<void> check_socket_request(std::string_view packet);

// The names must be fit (is_socket_name) and at most kHandedSocketsMax.
std::string write_socket_reply(const SocketReply& reply);
// Foreign bytes; the errors of check_socket_request.
Result<SocketReply> read_socket_reply(std::string_view packet);

bool is_socket_name(std::string_view name);

}  // namespace dsl::service
