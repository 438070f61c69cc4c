#include "dsl/net/connection_limits.h"

#include "support/result_matchers.h"

namespace dsl::net {
namespace {

Address peer(const char* text) { return dsl::test::require_ok(parse_address(text)); }

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

}  // namespace
}  // namespace dsl::net
