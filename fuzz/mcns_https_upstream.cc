// Any octets as what a server of HTTP/2 sends to who asks it: the first octet says how they come.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "mcns/forward/http2_asker.h"

using namespace mcns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::size_t piece = 1U + data[0];
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Http2Asker asker({.authority = "dns.example.test", .path = "/dns-query"});
  for (int i = 0; i < 3; ++i) {
    MC_ASSERT(asker.ask("query"), "a new connection takes requests");
  }
  std::size_t told = 0;
  for (int turn = 0; !input.empty(); ++turn) {
    asker.receive(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    Bytes output;
    asker.produce(output);
    MC_ASSERT(output.size() <= 128U << 10, "output has a bound");
    for (const Http2Asker::Done& done : asker.take_done()) {
      ++told;
      MC_ASSERT(!done.message || done.message->size() <= Http2Asker::kBodyMax, "so has an answer");
      MC_ASSERT(done.message.has_value() == done.why.empty(), "one or the other");
    }
    if (turn == 1) {
      asker.cancel(3);
    }
  }
  MC_ASSERT(told <= 3, "each request ends once");
  return 0;
}
