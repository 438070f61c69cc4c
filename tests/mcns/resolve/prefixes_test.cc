#include "mcns/resolve/prefixes.h"

#include <gtest/gtest.h>

#include "dsl/env/socket_address.h"

namespace mcns {
namespace {

bool allows(const std::vector<std::string>& texts, std::string_view address) {
  const auto prefixes = Prefixes::parse(texts);
  return prefixes && prefixes->contains(dsl::env::address_bits(
                         dsl::env::parse_socket_address(address).value().raw()));
}

TEST(Prefixes, WhatIsNoRangeIsRefusedWithTheWaysToWriteOne) {
  for (const char* text : {"192.0.2.0/33", "192.0.2", "2001:db8::/129", "lan", "192.0.2.0/x", ""}) {
    const auto parsed = Prefixes::parse({text});

    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), dsl::Code::kInvalidArgument);
  }
}

TEST(Prefixes, AnAddressIsInItsRange) {
  EXPECT_TRUE(allows({"192.0.2.0/25"}, "192.0.2.127:53"));
  EXPECT_FALSE(allows({"192.0.2.0/25"}, "192.0.2.128:53"));
  EXPECT_TRUE(allows({"192.0.2.7"}, "192.0.2.7:53"));
  EXPECT_FALSE(allows({"192.0.2.7"}, "192.0.2.8:53"));
  EXPECT_TRUE(allows({"2001:db8::/33"}, "[2001:db8:7fff::1]:53"));
  EXPECT_FALSE(allows({"2001:db8::/33"}, "[2001:db8:8000::1]:53"));
}

TEST(Prefixes, AnIpv4AddressInsideAnIpv6OneCountsAsIpv4) {
  EXPECT_TRUE(allows({"192.0.2.0/24"}, "[::ffff:192.0.2.1]:53"));
  EXPECT_FALSE(allows({"192.0.2.0/24"}, "[::ffff:198.51.100.1]:53"));
}

TEST(Prefixes, PrivateIsWhatTheInternetDoesNotRoute) {
  for (const char* address :
       {"127.0.0.1:1", "10.1.2.3:1", "172.31.255.255:1", "192.168.88.181:1", "100.95.252.120:1",
        "169.254.1.1:1", "[::1]:1", "[fe80::1]:1", "[fd00::1]:1"}) {
    EXPECT_TRUE(allows({"private"}, address)) << address;
  }
  for (const char* address :
       {"172.32.0.1:1", "100.128.0.1:1", "203.0.113.7:1", "[2001:db8::1]:1"}) {
    EXPECT_FALSE(allows({"private"}, address)) << address;
  }
}

TEST(Prefixes, AnyIsEverybodyAndNoneIsNobody) {
  EXPECT_TRUE(allows({"any"}, "203.0.113.7:1"));
  EXPECT_TRUE(allows({"any"}, "[2001:db8::1]:1"));
  EXPECT_FALSE(allows({"none"}, "127.0.0.1:1"));
}

}  // namespace
}  // namespace mcns
