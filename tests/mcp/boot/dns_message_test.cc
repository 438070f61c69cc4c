#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "mcp/boot/gate.h"

namespace mcp::boot {
namespace {

using std::string_literals::operator""s;

constexpr std::uint16_t kSoa = 6;
constexpr std::uint16_t kA = 1;

// Header of a reply with one question and `answers` answers.
std::string header(char answers, char high_flags = '\x84', char rcode = 0) {
  return "\x12\x34"s + high_flags + rcode + "\0\x01\0"s + answers + "\0\0\0\0"s;
}
const std::string kQuestion =
    "\x07"
    "example\x04test\0\0\x01\0\x01"s;
const std::string kAnswerA = "\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\xc0\0\x02\x35"s;
const std::string kAnswerAaaa =
    "\xc0\x0c\0\x1c\0\x01\0\0\x01\x2c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s;

TEST(DnsQuery, RefusesWhatIsNoDomainName) {
  EXPECT_EQ(dns_query("a..b", kSoa, 1), "");
  EXPECT_EQ(dns_query(".a", kSoa, 1), "");
  EXPECT_EQ(dns_query(std::string(64, 'a') + ".test", kSoa, 1), "");
  std::string long_name;
  for (int i = 0; i < 5; ++i) {
    long_name += std::string(60, 'a') + ".";
  }
  EXPECT_EQ(dns_query(long_name, kSoa, 1), "");
}

TEST(DnsQuery, WritesRfc1035Bytes) {
  EXPECT_EQ(dns_query("example.test.", kSoa, 0x1234),
            "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07"
            "example\x04test\0\0\x06\0\x01"s);
  EXPECT_EQ(dns_query(".", kA, 1), "\0\x01\x01\0\0\x01\0\0\0\0\0\0\0\0\x01\0\x01"s);
}

TEST(DnsReply, IsNotWellFormedWhenAnyByteIsMissing) {
  const std::string whole = header(2) + kQuestion + kAnswerA + kAnswerAaaa;
  ASSERT_TRUE(parse_dns_reply(whole).well_formed);

  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_dns_reply(std::string_view(whole).substr(0, size)).well_formed) << size;
  }
}

TEST(DnsReply, RefusesQueriesAndOtherOpcodes) {
  EXPECT_FALSE(parse_dns_reply(header(1, '\x04') + kQuestion + kAnswerA).well_formed);
  EXPECT_FALSE(parse_dns_reply(header(1, '\xa4') + kQuestion + kAnswerA).well_formed);
  EXPECT_FALSE(parse_dns_reply(dns_query("example.test", kA, 0x1234)).well_formed);
}

TEST(DnsReply, RefusesOverlongAndUnknownLabels) {
  std::string endless;
  for (int i = 0; i < 10; ++i) {
    endless += '\x3f' + std::string(63, 'a');
  }
  EXPECT_FALSE(parse_dns_reply(header(0) + endless + "\0\0\x01\0\x01"s).well_formed);
  EXPECT_FALSE(parse_dns_reply(header(0) + "\x80"
                                           "a\0\0\x01\0\x01"s)
                   .well_formed);
}

TEST(DnsReply, PointerToItselfCostsNothing) {
  const std::string loop = "\xc0\x1e\0\x01\0\x01\0\0\x01\x2c\0\x04\xc0\0\x02\x35"s;

  EXPECT_TRUE(parse_dns_reply(header(1) + kQuestion + loop).well_formed);
}

TEST(DnsReply, ReadsCodeAndAddresses) {
  const DnsReply reply = parse_dns_reply(header(2) + kQuestion + kAnswerA + kAnswerAaaa);
  const DnsReply refused = parse_dns_reply(header(0, '\x86', 5) + kQuestion);

  EXPECT_EQ(reply.id, 0x1234);
  EXPECT_EQ(reply.rcode, 0);
  EXPECT_EQ(reply.answers, 2);
  EXPECT_THAT(reply.addresses, ::testing::ElementsAre("192.0.2.53", "2001:db8::1"));
  EXPECT_FALSE(reply.truncated);
  EXPECT_TRUE(refused.well_formed);
  EXPECT_EQ(refused.rcode, 5);
  EXPECT_TRUE(refused.truncated);
}

TEST(DnsReply, OtherClassesAreNoAnswer) {
  std::string chaos = kAnswerA;
  chaos[5] = '\x03';

  EXPECT_EQ(parse_dns_reply(header(1) + kQuestion + chaos).answers, 0);
}

RC_GTEST_PROP(DnsReplyProperty, SurvivesAnyChangeOfAnyByte, (std::uint8_t value)) {
  std::string packet = header(2) + kQuestion + kAnswerA + kAnswerAaaa;
  const auto at = *rc::gen::inRange<std::size_t>(0, packet.size());
  packet[at] = static_cast<char>(value);

  const DnsReply reply = parse_dns_reply(packet);

  RC_ASSERT(reply.addresses.size() <= 2U);
}

}  // namespace
}  // namespace mcp::boot
