// Any bytes on the socket by which agent and service exchange sockets, in both directions.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/service/socket_message.h"
#include "standin/handed.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsl::service;
  const std::string_view packet(reinterpret_cast<const char*>(data), size);

  if (check_socket_request(packet)) {
    MC_ASSERT(packet == write_socket_request(), "there is one request");
  }

  const auto reply = read_socket_reply(packet);
  const auto handed = standin::parse_handed(packet);  // the other reader that there is
  if (reply && reply->refusal.empty()) {
    MC_ASSERT(handed && *handed == reply->names, "both read alike");
  }
  if (!reply) {
    return 0;
  }
  MC_ASSERT(reply->names.size() <= kHandedSocketsMax, "no more than a packet carries");
  MC_ASSERT(reply->names.empty() || reply->refusal.empty(), "handed over or refused");
  const auto again = read_socket_reply(write_socket_reply(*reply));
  MC_ASSERT(again && again->names == reply->names && again->refusal == reply->refusal,
            "what was read is written alike");
  return 0;
}
