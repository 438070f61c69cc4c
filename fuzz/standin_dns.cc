// A stranger's DNS message: any bytes get an answer that is itself well formed, or none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "standin/dns.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  for (const bool failing : {false, true}) {
    const auto answer = standin::answer_dns(message, failing);
    if (!answer) {
      continue;
    }
    // What dns.h promises: it fits into a datagram of RFC 1035, keeps the id, is an answer and
    // therefore gets none.
    const bool kept = answer->size() >= 12 && answer->size() <= 512 &&
                      answer->substr(0, 2) == message.substr(0, 2) &&
                      !standin::answer_dns(*answer, failing);
    if (!kept) {
      std::abort();
    }
  }
  return 0;
}
