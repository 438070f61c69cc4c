// Answers as a worker tells of them, for tests of those who read that.
#pragma once

#include <string>
#include <string_view>

#include "dsl/env/socket_address.h"
#include "mcns/cache/messages.h"
#include "mcns/events/query_events.h"

namespace mcns::test {

struct ToldAnswer {
  std::string name = "www.example.test.";
  Rcode rcode = Rcode::kNoError;
  std::string client = "192.0.2.7:5353";
  AnswerPath path = AnswerPath::kZone;
  std::int64_t asked_ns = 0;
  std::int64_t took_ns = 0;
  Limited limited = Limited::kNone;
};

inline EventHead head_of(const ToldAnswer& told) {
  EventHead head;
  head.path = told.path;
  head.rcode = told.rcode;
  head.peer =
      EventAddress::of(*dsl::test::require_ok(dsl::env::parse_socket_address(told.client)).raw());
  head.asked_ns = told.asked_ns;
  head.took_ns = told.took_ns;
  head.limited = told.limited;
  return head;
}

// With a response that has the question and the code.
inline Bytes response_of(const ToldAnswer& told) {
  Message response = Asked::make(told.name, Type::kA);
  response.response = true;
  response.rcode = told.rcode;
  return response.encode();
}

// As clients ask today: with an OPT record behind the question.
inline Message question_of(const ToldAnswer& told) {
  Message question = Asked::make(told.name, Type::kA);
  question.edns = Edns{};
  return question;
}

// Whether anybody wanted it.
inline bool tell(EventSource& source, const ToldAnswer& told) {
  EventHead head = head_of(told);
  head.readers = source.readers_of(told.rcode, told.limited);
  if (head.readers == 0) {
    return false;
  }
  const Asked asked(question_of(told));
  const Bytes response = response_of(told);
  head.response_bytes = static_cast<std::uint32_t>(response.size());
  source.put(head, asked.packet, kHeaderSize + asked.query.question_size, response);
  return true;
}

}  // namespace mcns::test
