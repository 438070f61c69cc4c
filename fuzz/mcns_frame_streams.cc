// What a reader of dnstap messages says: control frames of Frame Streams.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/result/result.h"
#include "mcns/dnstap/frames.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mcns::dnstap::read_control;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const auto frame = read_control(rest);
    if (!frame || !frame->has_value()) {
      return 0;
    }
    MC_ASSERT((*frame)->size <= rest.size(), "a frame lies in what was read");
    // A part of a frame is never taken for one.
    const auto part = read_control(rest.substr(0, (*frame)->size - 1));
    MC_ASSERT(part && !part->has_value(), "what is cut short is waited for");
    rest.remove_prefix((*frame)->size);
  }
  return 0;
}
