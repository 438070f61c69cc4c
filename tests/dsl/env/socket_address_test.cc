#include "dsl/env/socket_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dsl::env::test {
namespace {

TEST(SocketAddress, RefusesWhatIsNoLiteralWithAPort) {
  for (const char* text :
       {"", ":", ":80", "192.0.2.7", "192.0.2.7:", "192.0.2.7:x", "192.0.2.7:-1", "192.0.2.7:65536",
        "192.0.2.7:80x", "::1:80", "[]:80", "rift:80", "[192.0.2:80", "300.0.0.1:80"}) {
    EXPECT_FALSE(parse_socket_address(text)) << text;
  }
}

TEST(SocketAddress, ReadsBothFamilies) {
  const auto v4 = parse_socket_address("192.0.2.7:9444");
  const auto v6 = parse_socket_address("[2001:db8::7]:443");

  ASSERT_TRUE(v4 && v6);
  EXPECT_EQ(v4->family(), AF_INET);
  EXPECT_EQ(v4->port(), 9444);
  EXPECT_EQ(address_text(*v4->get()), "192.0.2.7");
  EXPECT_EQ(v6->family(), AF_INET6);
  EXPECT_EQ(v6->port(), 443);
  EXPECT_EQ(address_text(*v6->get()), "2001:db8::7");
}

TEST(SocketAddress, SplitsAndJoinsNamesToo) {
  const auto name = split_host_port("rift.lan:0");

  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "rift.lan");
  EXPECT_EQ(join_host_port(name->host, name->port), "rift.lan:0");
  EXPECT_EQ(join_host_port(split_host_port("[::1]:1")->host, 1), "[::1]:1");
  EXPECT_TRUE(is_address_literal("::1"));
  EXPECT_FALSE(is_address_literal("rift"));
}

}  // namespace
}  // namespace dsl::env::test
