#include "dsl/env/socket_address.h"

#include "support/result_matchers.h"

namespace dsl::env::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;

TEST(SocketAddress, RefusesWhatIsNoLiteralWithAPort) {
  for (const char* text :
       {"", ":", ":80", "192.0.2.7", "192.0.2.7:", "192.0.2.7:x", "192.0.2.7:-1", "192.0.2.7:65536",
        "::1:80", "[]:80", "192.0.2.7:80x", "192.0.2.7:80 ", "rift:80", "[192.0.2:80",
        "300.0.0.1:80", "[127.0.0.1]:80", "[::1]", "[::1:80", "[:80"}) {
    EXPECT_THAT(parse_socket_address(text), failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(SocketAddress, ReadsBothFamilies) {
  const SocketAddress v4 = require_ok(parse_socket_address("192.0.2.7:9444"));
  const SocketAddress v6 = require_ok(parse_socket_address("[2001:db8::7]:443"));

  EXPECT_EQ(v4.family(), AF_INET);
  EXPECT_EQ(port_of(v4), 9444);
  EXPECT_EQ(host_of(v4), "192.0.2.7");
  EXPECT_EQ(v6.family(), AF_INET6);
  EXPECT_EQ(port_of(v6), 443);
  EXPECT_EQ(host_of(v6), "2001:db8::7");
}

TEST(SocketAddress, PrintsWhatItParsed) {
  for (const char* text : {"127.0.0.1:0", "192.0.2.7:65535", "[::1]:443", "[2001:db8::1]:53"}) {
    EXPECT_EQ(to_text(require_ok(parse_socket_address(text))), text);
  }
}

TEST(SocketAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:0", "127.8.0.1:1", "[::1]:0", "[::ffff:127.0.0.1]:0"}) {
    EXPECT_TRUE(is_loopback(require_ok(parse_socket_address(text)))) << text;
  }
  for (const char* text : {"0.0.0.0:0", "128.0.0.1:0", "[::]:0", "[::ffff:10.0.0.1]:0"}) {
    EXPECT_FALSE(is_loopback(require_ok(parse_socket_address(text)))) << text;
  }
}

TEST(SocketAddress, TakesUnixPathsThatTheKernelTakes) {
  EXPECT_THAT(unix_socket_address(""), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(unix_socket_address(std::string(108, 'a')),
              failed_saying(Code::kInvalidArgument, "has 108 bytes"));

  const SocketAddress address = require_ok(unix_socket_address(std::string(107, 'a')));

  EXPECT_EQ(to_text(address), "unix");
  EXPECT_EQ(port_of(address), 0);
  EXPECT_TRUE(is_loopback(address));
}

TEST(SocketAddress, SplitsAndJoinsNamesToo) {
  const auto name = split_host_port("rift.lan:0");

  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "rift.lan");
  EXPECT_EQ(join_host_port(name->host, name->port), "rift.lan:0");
  EXPECT_EQ(join_host_port(split_host_port("[::1]:1")->host, 1), "[::1]:1");
  EXPECT_FALSE(split_host_port("[rift.lan]:1"));
  EXPECT_TRUE(is_address_literal("::1"));
  EXPECT_FALSE(is_address_literal("rift"));
}

}  // namespace
}  // namespace dsl::env::test
