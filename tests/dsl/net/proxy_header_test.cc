#include "dsl/net/proxy_header.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "support/result_matchers.h"

namespace dsl::net {
namespace {

using dsl::test::failed_with;
using dsl::test::require_ok;

env::SocketAddress at(const char* text) { return require_ok(env::parse_socket_address(text)); }

TEST(ProxyHeader, RefusesWhatIsNone) {
  const std::string v2 = proxy_header_v2(at("192.0.2.7:1"), at("192.0.2.1:2"));
  std::string bad_version = v2;
  bad_version[12] = 0x31;
  std::string bad_command = v2;
  bad_command[12] = 0x22;
  std::string short_addresses = v2;
  short_addresses[15] = 8;
  std::string too_long = v2;
  too_long[14] = 0x20;
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n"), std::string("PROXY \r\n"), std::string("PROXY TCP4\r\n"),
        std::string("PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n"),
        std::string("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n"),
        std::string("PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n"),
        std::string("PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n"),
        std::string("PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n"),
        std::string("PROXY TCP4 ::1 ::2 1 2\r\n"),
        std::string("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"), "PROXY " + std::string(200, 'x'),
        bad_version, bad_command, short_addresses, too_long}) {
    EXPECT_THAT(parse_proxy_header(bytes), failed_with(Code::kInvalidArgument)) << bytes;
  }
}

TEST(ProxyHeader, ProxyThatSpeaksForItselfHasNoAddresses) {
  const std::string local("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
  for (const std::string& bytes : {std::string("PROXY UNKNOWN\r\n"),
                                   std::string("PROXY UNKNOWN ffff::1 ::1 1 2\r\n"), local}) {
    const auto header = require_ok(parse_proxy_header(bytes + "GET"));

    ASSERT_TRUE(header);
    EXPECT_FALSE(header->proxied);
    EXPECT_EQ(header->size, bytes.size());
  }
}

RC_GTEST_PROP(ProxyHeader, IsReadAsWrittenAndNoByteMore, ()) {
  const bool v6 = *rc::gen::arbitrary<bool>();
  const auto address = [&] {
    const auto bytes = *rc::gen::container<std::string>(v6 ? 16 : 4, rc::gen::arbitrary<char>());
    return env::make_socket_address(bytes, *rc::gen::arbitrary<std::uint16_t>());
  };
  const env::SocketAddress source = address();
  const env::SocketAddress destination = address();
  const std::string tail = *rc::gen::arbitrary<std::string>();
  for (const std::string& written :
       {proxy_header_v1(source, destination), proxy_header_v2(source, destination)}) {
    for (std::size_t size = 0; size < written.size(); ++size) {
      const auto part = parse_proxy_header(written.substr(0, size));
      RC_ASSERT(part && !*part);
    }
    const auto header = require_ok(parse_proxy_header(written + tail));
    RC_ASSERT(header && header->proxied);
    RC_ASSERT(header->size == written.size());
    RC_ASSERT(to_text(header->source) == to_text(source));
    RC_ASSERT(to_text(header->destination) == to_text(destination));
  }
}

}  // namespace
}  // namespace dsl::net
