#include "dsl/net/address.h"

#include "support/result_matchers.h"

namespace dsl::net {
namespace {

using dsl::test::failed_with;
using dsl::test::require_ok;

TEST(Address, RefusesWhatIsNoLiteralWithAPort) {
  for (const char* text :
       {"", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
        "127.0.0.1:-1", "::1:80", "[::1]", "[::1:80", "[127.0.0.1]:80", "127.0.0.1:80 "}) {
    EXPECT_THAT(parse_address(text), failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(Address, PrintsWhatItParsed) {
  for (const char* text : {"127.0.0.1:0", "192.0.2.7:65535", "[::1]:443", "[2001:db8::1]:53"}) {
    EXPECT_EQ(to_text(require_ok(parse_address(text))), text);
  }
}

TEST(Address, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:0", "127.8.0.1:1", "[::1]:0", "[::ffff:127.0.0.1]:0"}) {
    EXPECT_TRUE(is_loopback(require_ok(parse_address(text)))) << text;
  }
  for (const char* text : {"0.0.0.0:0", "128.0.0.1:0", "[::]:0", "[::ffff:10.0.0.1]:0"}) {
    EXPECT_FALSE(is_loopback(require_ok(parse_address(text)))) << text;
  }
}

TEST(Address, OnePartyHoldsASlash64) {
  const auto party = [](const char* text) { return party_of(require_ok(parse_address(text))); };

  EXPECT_EQ(party("[2001:db8::1]:1"), party("[2001:db8::ffff:1]:2"));
  EXPECT_NE(party("[2001:db8::1]:1"), party("[2001:db8:0:1::1]:1"));
  EXPECT_EQ(party("192.0.2.7:1"), party("192.0.2.7:2"));
  EXPECT_NE(party("192.0.2.7:1"), party("192.0.2.8:1"));
}

}  // namespace
}  // namespace dsl::net
