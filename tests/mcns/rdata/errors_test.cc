// What is refused, and whether the error helps.
#include <gtest/gtest.h>

#include "rdata_fixture.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using test::octets;
using test::read;

const std::string kLabel64(64, 'a');

struct Wrong {
  Type type;
  std::string text;
};

TEST(RdataErrors, WhatIsNotOfItsTypeIsRefused) {
  const std::string digest_31(62, 'a');
  for (const Wrong& wrong : std::vector<Wrong>{
           {Type::kA, ""},
           {Type::kA, "192.0.2"},
           {Type::kA, "192.0.2.256"},
           {Type::kA, "192.0.2.01"},
           {Type::kA, "192.0.2.1 192.0.2.2"},
           {Type::kA, "::1"},
           {Type::kA, std::string(200, '1')},
           {Type::kAaaa, "192.0.2.1"},
           {Type::kAaaa, "2001:db8:::1"},
           {Type::kAaaa, "2001:db8::12345"},
           {Type::kAaaa, "fe80::1%eth0"},
           {Type::kNs, "a..b."},
           {Type::kNs, kLabel64},
           {Type::kNs, "\"\""},
           {Type::kMx, "mail"},
           {Type::kMx, "-1 mail"},
           {Type::kMx, "+1 mail"},
           {Type::kMx, "65536 mail"},
           {Type::kMx, "10"},
           {Type::kMx, "10 mail 20"},
           {Type::kSoa, "ns mail 1 2 3 4"},
           {Type::kSoa, "ns mail 4294967296 2 3 4 5"},
           {Type::kSoa, "ns mail 1 2x 3 4 5"},
           {Type::kSoa, "ns mail 1 h 3 4 5"},
           {Type::kSoa, "ns mail 1 1h30 3 4 5"},
           {Type::kSoa, "ns mail 1 99999999w 3 4 5"},
           {Type::kTxt, ""},
           {Type::kHinfo, "one"},
           {Type::kHinfo, "one " + std::string(256, 'x')},
           {Type::kCaa, "0 issue"},
           {Type::kCaa, "256 issue x"},
           {Type::kCaa, "0 is-sue x"},
           {Type::kCaa, "0 \"\" x"},
           {Type::kCaa, "0 issue x y"},
           {Type::kUri, "1 1 \"\""},
           {Type::kSrv, "0 0 sip.example.net."},
           {Type::kNaptr, "1 1 a b c"},
           {Type::kDs, "1 13 2 " + digest_31},
           {Type::kDs, "1 13 2 abc"},
           {Type::kDs, "1 13 2 xy"},
           {Type::kDs, "1 13 2"},
           {Type::kDs, "1 NONSENSE 3 aa"},
           {Type::kDs, "1 256 3 aa"},
           {Type::kSshfp, "1 1 aabb"},
           {Type::kTlsa, "3 1 1 aabb"},
           {Type::kSmimea, "3 1 2 aabb"},
           {Type::kZonemd, "1 1 3 aabb"},
           {Type::kZonemd, "1 1 1 aabbccddaabbccddaabbccdd"},
           {Type::kDnskey, "256 2 13 AA=="},
           {Type::kDnskey, "256 3 13 AA"},
           {Type::kDnskey, "256 3 13 A*=="},
           {Type::kDnskey, "256 3 13"},
           {Type::kCert, "NONSENSE 1 1 AA=="},
           {Type::kRrsig, "NONSENSE 13 3 1 20240201000000 20240101000000 1 a. AA=="},
           {Type::kRrsig, "A 13 3 1 20240231000000 20240101000000 1 a. AA=="},
           {Type::kRrsig, "A 13 3 1 20240201250000 20240101000000 1 a. AA=="},
           {Type::kRrsig, "A 13 3 1 21990101000000 20240101000000 1 a. AA=="},
           {Type::kNsec, "a. NONSENSE"},
           {Type::kNsec3, "1 0 0 - *"},
           {Type::kNsec3, "1 0 0 abc 00"},
           {Type::kNsec3, "1 0 0 -"},
           {Type::kLoc, "91 N 0 E 0m"},
           {Type::kLoc, "90 0 0.001 N 0 E 0m"},
           {Type::kLoc, "0 60 N 0 E 0m"},
           {Type::kLoc, "0 0 60 N 0 E 0m"},
           {Type::kLoc, "0 0 0.0001 N 0 E 0m"},
           {Type::kLoc, "0 0 0 0 N 0 E 0m"},
           {Type::kLoc, "N 0 E 0m"},
           {Type::kLoc, "0 E 0 N 0m"},
           {Type::kLoc, "0 N 181 E 0m"},
           {Type::kLoc, "0 N 0 E"},
           {Type::kLoc, "0 N 0 E -100000.01m"},
           {Type::kLoc, "0 N 0 E 42849672.96m"},
           {Type::kLoc, "0 N 0 E 0.m"},
           {Type::kLoc, "0 N 0 E 0m 90000000.01m"},
           {Type::kLoc, "0 N 0 E 0m -1m"},
           {Type::kLoc, "0 N 0 E 0m 1m 1m 1m 1m"},
           {Type::kOpt, "\\# 0"},
           {Type::kTsig, "\\# 0"},
           {Type::kAny, "\\# 0"},
           {static_cast<Type>(0), "\\# 0"},
           {static_cast<Type>(65280), "something"},
           {static_cast<Type>(65280), ""},
           {static_cast<Type>(65280), "\\# 4 aabbcc"},
           {static_cast<Type>(65280), "\\# 2 aabbcc"},
           {static_cast<Type>(65280), "\\# 2 aaxx"},
           {static_cast<Type>(65280), "\\# x aa"},
           {static_cast<Type>(65280), "\\#"},
           {static_cast<Type>(65280), "\"\\#\" 0"},
           {Type::kA, "\\# 3 aabbcc"},
           {Type::kMx, "\\# 4 0001c00c"},
       }) {
    const auto rdata = read(wrong.type, wrong.text);
    EXPECT_THAT(rdata, failed_with(Code::kInvalidArgument))
        << text(wrong.type) << " " << wrong.text;
    EXPECT_FALSE(!rdata && rdata.error().message().empty());
  }
}

TEST(RdataErrors, SayWhichFieldWhatIsAllowedAndAnExample) {
  EXPECT_THAT(read(Type::kMx, "ten mail"),
              failed_saying(Code::kInvalidArgument,
                            "MX: the preference \"ten\" is not a number from 0 to 65535"));
  EXPECT_THAT(read(Type::kMx, "ten mail"),
              failed_saying(Code::kInvalidArgument, "for example: MX 10 mail.example.net."));
  EXPECT_THAT(
      read(Type::kMx, "10"),
      failed_saying(Code::kInvalidArgument, "MX: the mail exchange is missing: a domain name"));
  EXPECT_THAT(
      read(Type::kMx, "10 a..b"),
      failed_saying(Code::kInvalidArgument, "MX: mail exchange: the name a..b has an empty"));
  EXPECT_THAT(read(Type::kA, "192.0.2.1 x"),
              failed_saying(Code::kInvalidArgument, "A: \"x\" is more than belongs there"));
  EXPECT_THAT(
      read(Type::kDs, "1 13 2 aabb"),
      failed_saying(Code::kInvalidArgument, "the digest has 2 octets, but one of type 2 has 32"));
  EXPECT_THAT(read(Type::kLoc, "0 N"),
              failed_saying(Code::kInvalidArgument, "the direction E or W is missing"));
  EXPECT_THAT(read(Type::kAny, "x"),
              failed_saying(Code::kInvalidArgument, "ANY: this type cannot"));
  EXPECT_THAT(read(static_cast<Type>(65280), "x"),
              failed_saying(Code::kInvalidArgument, "\\# 4 c0000201"));
}

TEST(RdataErrors, OfOctetsNameTheField) {
  EXPECT_THAT(check_rdata(Type::kMx, octets("000a")),
              failed_saying(Code::kInvalidArgument,
                            "MX: the octets of the mail exchange are not a domain name"));
  EXPECT_THAT(check_rdata(Type::kA, octets("c000020101")),
              failed_saying(Code::kInvalidArgument, "octets are left over"));
  EXPECT_THAT(check_rdata(Type::kCname, octets("c00c")), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(Type::kTxt, ""), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(Type::kCaa, octets("00 00 61")), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(Type::kNsec, octets("00 0000")), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(Type::kNsec, octets("00 000140 000140")),
              failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(Type::kNsec, octets("00 00024000")), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(Type::kLoc, octets("01121613 80000000 80000000 00989680")),
              failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(Type::kLoc, octets("00021613 80000000 80000000 00989680")),
              failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_rdata(static_cast<Type>(65280), octets("00")), ok());
}

TEST(RdataErrors, TooMuchForOneRecordIsRefused) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += std::string(250, 'x') + " ";
  }

  EXPECT_THAT(read(Type::kTxt, text), failed_saying(Code::kInvalidArgument, "at most 65535"));
}

}  // namespace
}  // namespace mcns
