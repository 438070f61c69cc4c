// Queries and responses for tests of what stands between clients and upstreams.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "mcns/wire/message.h"
#include "mcns/wire/query.h"
#include "support/result_matchers.h"

namespace mcns::test {

inline Name name_of(std::string_view text) { return dsl::test::require_ok(Name::parse(text)); }

// A query as a client sends it, and as it is read in place. Stays where it is made.
struct Asked {
  explicit Asked(std::string_view name, Type type = Type::kA) : Asked(make(name, type)) {}
  explicit Asked(const Message& message) : packet(message.encode()) {
    EXPECT_EQ(parse_query(packet, query), ParseResult::kOk);
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  static Message make(std::string_view name, Type type) {
    Message message;
    message.id = 0x1234;
    message.recursion_desired = true;
    message.questions.push_back({name_of(name), type, Class::kIn});
    return message;
  }

  Bytes packet;
  Query query;
};

inline Record record_of(std::string_view name, Type type, std::uint32_t ttl, Bytes rdata) {
  return {name_of(name), type, Class::kIn, ttl, std::move(rdata)};
}

inline Record a_record(std::string_view name, std::uint32_t ttl, char last = 1) {
  return record_of(name, Type::kA, ttl, Bytes("\xc0\x00\x02", 3) + last);
}

inline Record soa_record(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
  Bytes rdata = name_of("ns.example.test.").wire() + name_of("admin.example.test.").wire();
  for (const std::uint32_t number : {1u, 3600u, 600u, 604800u, minimum}) {
    for (const unsigned shift : {24u, 16u, 8u, 0u}) {
      rdata += static_cast<char>((number >> shift) & 0xffU);
    }
  }
  return record_of(zone, Type::kSoa, ttl, rdata);
}

inline Record cname_record(std::string_view name, std::uint32_t ttl, std::string_view target) {
  return record_of(name, Type::kCname, ttl, name_of(target).wire());
}

// An upstream's answer to `asked` with these records.
inline Message response_to(const Asked& asked, std::vector<Record> answers = {},
                           std::vector<Record> authorities = {}, Rcode rcode = Rcode::kNoError) {
  Message message = dsl::test::require_ok(Message::parse(asked.packet));
  message.response = true;
  message.recursion_available = true;
  message.rcode = rcode;
  message.edns.reset();
  message.answers = std::move(answers);
  message.authorities = std::move(authorities);
  return message;
}

}  // namespace mcns::test
