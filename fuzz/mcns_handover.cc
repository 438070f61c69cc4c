// Any bytes as a message of another process that hands over.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mcns/handover/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  const auto message = mcns::handover::decode(packet);
  if (message) {
    MC_ASSERT(mcns::handover::encode(*message) == packet, "a message has one form");
  }
  return 0;
}
