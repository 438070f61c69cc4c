// Any bytes as a DNS message: what can be read must be the same after it was written and read
// again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mcns/wire/message.h"
#include "mcns/wire/query.h"

namespace {

void check_round_trip(const mcns::Message& message) {
  const mcns::Bytes wire = message.encode();
  const auto again = mcns::Message::parse(wire);
  MC_ASSERT(again.has_value(), "what is written can be read");
  // Names that were compressed in spite of their case take more room, so the end may be missing.
  MC_ASSERT(*again == message || again->truncated, "what is written reads as it was");
  MC_ASSERT(!message.text().empty(), "every message has a text");

  mcns::Message bare = message;
  bare.answers.clear();
  bare.authorities.clear();
  bare.additionals.clear();
  constexpr std::size_t kSizeMax = 512;
  MC_ASSERT(message.encode(kSizeMax).size() <= std::max(kSizeMax, bare.encode().size()),
            "records are left out to fit");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packet(reinterpret_cast<const char*>(data), size);

  const auto message = mcns::Message::parse(packet);
  if (message) {
    check_round_trip(*message);
  }

  mcns::Query query;
  const mcns::ParseResult result = mcns::parse_query(packet, query);
  if (result == mcns::ParseResult::kOk) {
    MC_ASSERT(mcns::Name::from_wire(query.name.wire).has_value(), "the name of a query is one");
    MC_ASSERT(mcns::kHeaderSize + query.question_size <= packet.size(), "it lies in the packet");
    if (message) {
      MC_ASSERT(message->questions.size() == 1 &&
                    message->questions[0].name.wire() == query.name.wire &&
                    message->questions[0].type == query.type,
                "both readers read the same question");
      MC_ASSERT(
          query.opcode != mcns::Opcode::kQuery || message->edns.has_value() == query.edns.present,
          "both readers see the same EDNS");
    }
  }
  return 0;
}
