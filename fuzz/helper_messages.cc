// Any bytes as what the agent and its namespace helper tell each other: what is read is written the
// same again, and a request that is accepted does not climb.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "mcp/files/request.h"

using namespace mcp::files;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto request = decode_request(bytes)) {
    MC_ASSERT(encode(*request) == bytes, "a request is written as it was read");
    MC_ASSERT(("/" + request->path + "/").find("/../") == std::string::npos, "and does not climb");
    MC_ASSERT(request->target.find('/') == std::string::npos, "nor does its target");
  }
  if (const auto answer = decode_answer(bytes)) {
    MC_ASSERT(encode(*answer) == bytes, "an answer is written as it was read");
  }
  if (const auto entries = decode_entries(bytes)) {
    std::string again;
    for (const Entry& entry : *entries) {
      append(again, entry);
    }
    MC_ASSERT(again == bytes, "entries are written as they were read");
  }
  return 0;
}
