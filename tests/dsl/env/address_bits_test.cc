#include "dsl/env/address_bits.h"

#include <gtest/gtest.h>

#include "dsl/env/socket_address.h"

namespace dsl::env {
namespace {

AddressBits bits(const std::string& text) {
  return address_bits(parse_socket_address(text + ":1")->raw());
}

TEST(AddressBits, AreInTheOrderOfTheText) {
  EXPECT_EQ(bits("[2001:db8:1:2:3:4:5:6]"),
            (AddressBits{0x20010db800010002U, 0x0003000400050006U}));
  EXPECT_EQ(bits("192.0.2.7"), (AddressBits{0, 0xffffc0000207U}));
  EXPECT_EQ(bits("[::ffff:192.0.2.7]"), bits("192.0.2.7"));
}

TEST(AddressBits, KnowIpv4) {
  EXPECT_TRUE(bits("192.0.2.7").is_v4());
  EXPECT_FALSE(bits("[::1]").is_v4());
  EXPECT_FALSE(bits("[2001:db8::ffff:1:2]").is_v4());
}

TEST(AddressBits, APrefixOfIpv4CountsItsOwnBits) {
  EXPECT_EQ(bits("192.0.2.7").prefix(24), bits("192.0.2.0"));
  EXPECT_EQ(bits("192.0.2.7").prefix(32), bits("192.0.2.7"));
  EXPECT_EQ(bits("192.0.2.7").prefix(1), bits("128.0.0.0"));
  EXPECT_EQ(bits("192.0.2.7").prefix(0), bits("0.0.0.0"));
}

TEST(AddressBits, APrefixOfIpv6MayEndAnywhere) {
  const AddressBits address = bits("[2001:db8:1:2ff:3:4:5:6]");
  EXPECT_EQ(address.prefix(56), bits("[2001:db8:1:200::]"));
  EXPECT_EQ(address.prefix(64), bits("[2001:db8:1:2ff::]"));
  EXPECT_EQ(address.prefix(80), bits("[2001:db8:1:2ff:3::]"));
  EXPECT_EQ(address.prefix(128), address);
  EXPECT_EQ(address.prefix(0), AddressBits());
}

TEST(AddressBits, AnotherFamilyHasNone) {
  sockaddr unix_socket{};
  unix_socket.sa_family = AF_UNIX;
  EXPECT_EQ(address_bits(&unix_socket), AddressBits());
}

}  // namespace
}  // namespace dsl::env
