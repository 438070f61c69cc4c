#include "mcns/answer/asking.h"

#include <array>

#include "mcns/wire/query.h"
#include "support/result_matchers.h"

namespace mcns::test {

Reply ask(Answerer& answerer, const zone::Version& version, const Asked& asked) {
  Message message;
  message.id = 0x1234;
  message.recursion_desired = asked.recursion_desired;
  message.questions.push_back(asked.question);
  if (asked.edns_size != 0) {
    message.edns = Edns{.udp_size = asked.edns_size, .dnssec_ok = asked.dnssec_ok};
  }
  const Bytes packet = message.encode();

  static std::array<char, 65535> buffer;
  Query query;
  Reply reply;
  reply.answer =
      answerer.answer(version, packet, asked.client, query, buffer.data(), buffer.size());
  if (reply.answer.kind == Answer::Kind::kDrop) {
    return reply;
  }
  reply.message = dsl::test::require_ok(Message::parse({buffer.data(), reply.answer.size}));
  if (reply.answer.kind == Answer::Kind::kForward) {
    reply.target = dsl::test::require_ok(Name::from_wire(reply.answer.target));
  }
  return reply;
}

}  // namespace mcns::test
