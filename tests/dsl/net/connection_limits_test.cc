#include "dsl/net/connection_limits.h"

#include "support/result_matchers.h"

namespace dsl::net {
namespace {

env::SocketAddress peer(const char* text) {
  return dsl::test::require_ok(env::parse_socket_address(text));
}

TEST(ConnectionLimits, OnePartyHoldsASlash64) {
  const auto party = [](const char* text) { return party_of(peer(text)); };

  EXPECT_EQ(party("[2001:db8::1]:1"), party("[2001:db8::ffff:1]:2"));
  EXPECT_NE(party("[2001:db8::1]:1"), party("[2001:db8:0:1::1]:1"));
  EXPECT_EQ(party("192.0.2.7:1"), party("192.0.2.7:2"));
  EXPECT_NE(party("192.0.2.7:1"), party("192.0.2.8:1"));
}

TEST(ConnectionLimits, BoundsThePeerAndTheTotal) {
  ConnectionLimits limits(3, 2);
  const auto first = limits.take(peer("192.0.2.1:1"));
  const auto second = limits.take(peer("192.0.2.1:2"));
  ASSERT_TRUE(first && second);

  EXPECT_FALSE(limits.take(peer("192.0.2.1:3")));
  const auto other = limits.take(peer("192.0.2.2:1"));
  EXPECT_TRUE(other);
  EXPECT_FALSE(limits.take(peer("192.0.2.3:1")));
  EXPECT_EQ(limits.taken(), 3);
}

TEST(ConnectionLimits, TicketGivesItsPlaceBackOnce) {
  ConnectionLimits limits(1, 1);
  {
    auto ticket = limits.take(peer("192.0.2.1:1"));
    ASSERT_TRUE(ticket);
    const ConnectionLimits::Ticket moved = std::move(*ticket);
    EXPECT_EQ(limits.taken(), 1);
  }

  EXPECT_EQ(limits.taken(), 0);
  EXPECT_TRUE(limits.take(peer("192.0.2.1:2")));
}

TEST(ConnectionLimits, OtherLimitsAreForThoseWhoComeNext) {
  ConnectionLimits limits(1, 1);
  const env::SocketAddress client = peer("192.0.2.1:1");
  const auto first = limits.take(client);
  ASSERT_TRUE(first);
  EXPECT_FALSE(limits.take(client));

  limits.set_max(2, 2);
  const auto second = limits.take(client);
  EXPECT_TRUE(second);
  limits.set_max(1, 1);

  EXPECT_EQ(limits.taken(), 2);
  EXPECT_FALSE(limits.take(client));
}

}  // namespace
}  // namespace dsl::net
