#include "mcns/rrl/limiter.h"

#include <string>

#include <gtest/gtest.h>

#include "dsl/env/socket_address.h"
#include "support/result_matchers.h"

namespace mcns::rrl {
namespace {

using dsl::env::AddressBits;

AddressBits address(const std::string& text) {
  const auto parsed = dsl::test::require_ok(dsl::env::parse_socket_address(text + ":1"));
  return dsl::env::address_bits(parsed.raw());
}

constexpr std::int64_t kStart = 5'000'000;  // ms
constexpr std::uint64_t kName = 12345;
const AddressBits kClient = address("192.0.2.7");

struct Sent {
  int whole = 0;
  int slipped = 0;
  int dropped = 0;
  bool operator==(const Sent&) const = default;
};

// `count` answers at once.
Sent burst(Limiter& limiter, int count, std::int64_t now_ms, const AddressBits& client = kClient,
           Kind kind = Kind::kPositive, std::uint64_t name = kName) {
  Sent out;
  for (int i = 0; i < count; ++i) {
    switch (limiter.count(client, kind, name, now_ms)) {
      case Action::kSend:
        ++out.whole;
        break;
      case Action::kSlip:
        ++out.slipped;
        break;
      case Action::kDrop:
        ++out.dropped;
        break;
    }
  }
  return out;
}

Options options() {
  return {.rate = 10, .errors = 2, .window = std::chrono::seconds(3), .slip = 2, .key = {1, 2, 3}};
}

TEST(Limiter, WithoutARateItIsOff) {
  EXPECT_FALSE(Limiter(Options()).is_on());
  EXPECT_TRUE(Limiter(options()).is_on());
}

TEST(Limiter, ASecondsWorthMayComeAtOnce) {
  Limiter limiter(options());

  EXPECT_EQ(burst(limiter, 16, kStart), (Sent{10, 3, 3}));
}

TEST(Limiter, TheRateItselfIsNeverLimited) {
  Limiter limiter(options());

  for (std::int64_t ms = 0; ms < 20000; ms += 100) {
    EXPECT_EQ(limiter.count(kClient, Kind::kPositive, kName, kStart + ms), Action::kSend) << ms;
  }
}

TEST(Limiter, SlipSaysHowManyGoToTcp) {
  for (const auto& [slip, expected] : std::initializer_list<std::pair<std::uint32_t, Sent>>{
           {0, {10, 0, 12}}, {1, {10, 12, 0}}, {3, {10, 4, 8}}}) {
    Options with = options();
    with.slip = slip;
    Limiter limiter(with);

    EXPECT_EQ(burst(limiter, 22, kStart), expected) << slip;
  }
}

TEST(Limiter, WhoGoesOnIsNotAnsweredAndWhoStopsIsAfterTheWindow) {
  Limiter limiter(options());
  burst(limiter, 10, kStart);
  for (std::int64_t ms = 0; ms < 10000; ms += 10) {
    EXPECT_NE(limiter.count(kClient, Kind::kPositive, kName, kStart + ms), Action::kSend) << ms;
  }

  EXPECT_EQ(burst(limiter, 1, kStart + 10000 + 2000).whole, 0);
  EXPECT_EQ(burst(limiter, 1, kStart + 10000 + 3200).whole, 1);
}

TEST(Limiter, ErrorsHaveARateOfTheirOwnWhateverTheName) {
  Limiter limiter(options());

  EXPECT_EQ(burst(limiter, 2, kStart, kClient, Kind::kError, 1).whole, 2);
  EXPECT_EQ(burst(limiter, 2, kStart, kClient, Kind::kError, 2).whole, 0);
  EXPECT_EQ(burst(limiter, 10, kStart).whole, 10);

  Options unlimited = options();
  unlimited.errors = 0;
  Limiter other(unlimited);
  EXPECT_EQ(burst(other, 1000, kStart, kClient, Kind::kError).whole, 1000);
}

TEST(Limiter, NamesKindsAndNetworksCountForThemselves) {
  Limiter limiter(options());
  burst(limiter, 20, kStart);

  EXPECT_EQ(burst(limiter, 1, kStart, address("192.0.2.200")).whole, 0);  // of the same /24
  EXPECT_EQ(burst(limiter, 1, kStart, address("[::ffff:192.0.2.9]")).whole, 0);
  EXPECT_EQ(burst(limiter, 1, kStart, address("192.0.3.7")).whole, 1);
  EXPECT_EQ(burst(limiter, 1, kStart, kClient, Kind::kPositive, kName + 1).whole, 1);
  EXPECT_EQ(burst(limiter, 1, kStart, kClient, Kind::kNxDomain).whole, 1);
}

TEST(Limiter, AnIpv6NetworkIsAPrefixToo) {
  Limiter limiter(options());
  burst(limiter, 20, kStart, address("[2001:db8:0:1::1]"));

  EXPECT_EQ(burst(limiter, 1, kStart, address("[2001:db8:0:ff::2]")).whole, 0);  // of the same /56
  EXPECT_EQ(burst(limiter, 1, kStart, address("[2001:db8:0:100::1]")).whole, 1);
}

TEST(Limiter, AFloodOfForgedNetworksDoesNotForgetOneThatOwes) {
  Limiter limiter(options());
  burst(limiter, 1000, kStart);

  for (std::uint64_t i = 0; i < 500000; ++i) {
    limiter.count({0, (std::uint64_t{0xffff} << 32U) | (i << 8U)}, Kind::kPositive, kName, kStart);
  }

  EXPECT_EQ(burst(limiter, 1, kStart).whole, 0);
}

}  // namespace
}  // namespace mcns::rrl
