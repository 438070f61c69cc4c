// Any bytes as the reply to a health gate's DNS question.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/result/result.h"
#include "mcp/boot/gate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packet(reinterpret_cast<const char*>(data), size);

  const mcp::boot::DnsReply reply = mcp::boot::parse_dns_reply(packet);

  MC_ASSERT(reply.well_formed || (reply.answers == 0 && reply.addresses.empty()),
            "half a reply tells nothing");
  // The smallest record has eleven bytes.
  MC_ASSERT(static_cast<std::size_t>(reply.answers) * 11 <= size, "an answer takes bytes");
  MC_ASSERT(reply.addresses.size() <= static_cast<std::size_t>(reply.answers),
            "an address comes from an answer");
  return 0;
}
