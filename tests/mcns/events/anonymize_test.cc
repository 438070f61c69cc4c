#include "mcns/events/anonymize.h"

#include <gtest/gtest.h>

#include "dsl/env/socket_address.h"
#include "mcns/cache/messages.h"

namespace mcns {
namespace {

EventAddress address(const char* text) {
  return EventAddress::of(*dsl::test::require_ok(dsl::env::parse_socket_address(text)).raw());
}

Bytes question_with(std::uint16_t option, Bytes data) {
  Message query = test::Asked::make("www.example.test.", Type::kA);
  query.edns =
      Edns{.options = {{kOptionNsid, {}}, {option, std::move(data)}, {kOptionPadding, "x"}}};
  return query.encode();
}

TEST(Anonymized, KeepsTheNetworkAndNoPort) {
  EXPECT_EQ(anonymized(address("192.0.2.77:5353")).text(), "192.0.2.0");
  EXPECT_EQ(anonymized(address("[2001:db8:1:2:3:4:5:6]:5353")).text(), "2001:db8:1::");
  EXPECT_EQ(anonymized(address("[::ffff:192.0.2.77]:5353")).text(), "192.0.2.0");
  EXPECT_EQ(anonymized(address("192.0.2.77:5353")).port, 0);
}

// RFC 7871 section 6.
TEST(AnonymizedQuery, CutsTheClientSubnet) {
  EXPECT_EQ(anonymized_query(question_with(8, Bytes("\0\1\x20\0\xc0\0\2\x4d", 8))),
            question_with(8, Bytes("\0\1\x20\0\xc0\0\2\0", 8)));
  EXPECT_EQ(anonymized_query(question_with(8, Bytes("\0\2\x38\0\x20\1\xd\xb8\0\1\2", 11))),
            question_with(8, Bytes("\0\2\x38\0\x20\1\xd\xb8\0\1\0", 11)));
  for (const Bytes& short_one : {Bytes("\0\1\x10\0\xc0\0", 6), Bytes("\0\1", 2), Bytes()}) {
    EXPECT_EQ(anonymized_query(question_with(8, short_one)), question_with(8, short_one));
  }
}

TEST(AnonymizedQuery, LeavesEverythingElse) {
  const Bytes plain = test::Asked::make("www.example.test.", Type::kA).encode();
  EXPECT_EQ(anonymized_query(plain), plain);
  const Bytes other = question_with(65001, Bytes("\0\1\x20\0\xc0\0\2\x4d", 8));
  EXPECT_EQ(anonymized_query(other), other);
}

TEST(AnonymizedQuery, KeepsOnlyTheHeaderOfWhatCannotBeRead) {
  const Bytes good = test::Asked::make("www.example.test.", Type::kA).encode();
  EXPECT_EQ(anonymized_query(good.substr(0, 20)), good.substr(0, 12));
  EXPECT_EQ(anonymized_query(""), "");
}

}  // namespace
}  // namespace mcns
