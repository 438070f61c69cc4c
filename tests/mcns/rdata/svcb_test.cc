// The test vectors of RFC 9460 appendix D, and what the RFC asks for beside them.
#include <gtest/gtest.h>

#include "rdata_fixture.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using test::octets;
using test::read;

constexpr std::string_view kFooCom = "03666f6f 076578616d706c65 03636f6d 00";
constexpr std::string_view kFooOrg = "03666f6f 076578616d706c65 036f7267 00";
constexpr std::string_view kCom = "076578616d706c65 03636f6d 00";

std::string wire_of(std::string_view text) {
  const auto rdata = read(Type::kSvcb, text);
  return rdata ? hex(*rdata) : rdata.error().render();
}

std::string vector(std::string_view priority, std::string_view target,
                   std::string_view parameters = "") {
  return hex(octets(priority) + octets(target) + octets(parameters));
}

TEST(SvcbParameters, FailuresOfTheRfcFail) {
  for (const char* text : {
           "1 foo.example.com. key123=abc key123=def",
           "1 foo.example.com. mandatory",
           "1 foo.example.com. alpn",
           "1 foo.example.com. port",
           "1 foo.example.com. ipv4hint",
           "1 foo.example.com. ipv6hint",
           "1 foo.example.com. no-default-alpn=abc",
           "1 foo.example.com. mandatory=key123",
           "1 foo.example.com. mandatory=mandatory",
           "1 foo.example.com. mandatory=key123,key123 key123=abc",
       }) {
    EXPECT_THAT(read(Type::kSvcb, text), failed_with(Code::kInvalidArgument)) << text;
    EXPECT_THAT(read(Type::kHttps, text), failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(SvcbParameters, OtherMistakesFail) {
  for (const char* text : {
           "1 foo.example.com. no-default-alpn",
           "1 foo.example.com. ech",
           "1 foo.example.com. ech=not*base64",
           "1 foo.example.com. dohpath",
           "1 foo.example.com. dohpath=dns-query{?dns}",
           "1 foo.example.com. dohpath=/dns-query",
           "1 foo.example.com. ohttp=1",
           "1 foo.example.com. port=65536",
           "1 foo.example.com. port=80x",
           "1 foo.example.com. alpn=h2,,h3",
           "1 foo.example.com. alpn=",
           "1 foo.example.com. ipv4hint=192.0.2.1,",
           "1 foo.example.com. ipv4hint=2001:db8::1",
           "1 foo.example.com. key65535=x",
           "1 foo.example.com. key007=x",
           "1 foo.example.com. key=x",
           "1 foo.example.com. colour=red",
           "1 foo.example.com. \"alpn=h2\"",
           "1 foo.example.com. =x",
           "1",
           "",
       }) {
    EXPECT_THAT(read(Type::kSvcb, text), failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(SvcbParameters, ErrorsSayWhatIsWrongAndWhatIsAllowed) {
  EXPECT_THAT(read(Type::kSvcb, "1 . port=http"),
              failed_saying(Code::kInvalidArgument,
                            "\"http\" is no value of port: it has a number from 0 to 65535"));
  EXPECT_THAT(read(Type::kHttps, "1 . mandatory=alpn"),
              failed_saying(Code::kInvalidArgument, "HTTPS: alpn is mandatory, but not there"));
  EXPECT_THAT(read(Type::kHttps, "1 . apln=h2"),
              failed_saying(Code::kInvalidArgument, "\"apln\" is no parameter"));
}

TEST(SvcbParameters, VectorsOfTheRfcAreRead) {
  EXPECT_EQ(wire_of("0 foo.example.com."), vector("0000", kFooCom));
  EXPECT_EQ(wire_of("1 ."), "000100");
  EXPECT_EQ(wire_of("16 foo.example.com. port=53"), vector("0010", kFooCom, "0003 0002 0035"));
  EXPECT_EQ(wire_of("1 foo.example.com. key667=hello"),
            vector("0001", kFooCom, "029b 0005 68656c6c6f"));
  EXPECT_EQ(wire_of("1 foo.example.com. key667=\"hello\\210qoo\""),
            vector("0001", kFooCom, "029b 0009 68656c6c6fd2716f6f"));
  EXPECT_EQ(wire_of("1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\""),
            vector("0001", kFooCom,
                   "0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001"));
  EXPECT_EQ(wire_of("1 example.com. ipv6hint=\"2001:db8:122:344::192.0.2.33\""),
            vector("0001", kCom, "0006 0010 20010db8012203440000 0000c0000221"));
  EXPECT_EQ(wire_of("16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1"),
            vector("0010", kFooOrg,
                   "0000 0004 0001 0004 0001 0009 026832 0568332d3139 0004 0004 c0000201"));
  const std::string escaped = vector("0010", kFooOrg, "0001 000c 08665c6f6f2c626172 026832");
  EXPECT_EQ(wire_of("16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\""), escaped);
  EXPECT_EQ(wire_of("16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2"), escaped);
}

TEST(SvcbParameters, ArePrintedSoThatTheyAreReadAgain) {
  const std::string printed =
      "1 . mandatory=alpn,port alpn=\"h2,f\\\\\\\\oo\\\\,bar\" no-default-alpn port=8443 "
      "ipv4hint=192.0.2.1,192.0.2.2 ech=dGhlIGtleQ== ipv6hint=2001:db8::1 "
      "dohpath=\"/dns-query{?dns}\" ohttp key667=\"a \\\"b\\\" \\200\" key668";

  const Bytes rdata = require_ok(read(Type::kHttps, printed));

  EXPECT_EQ(rdata_text(Type::kHttps, rdata), printed);
}

TEST(SvcbParameters, NumberedKeysAreTheNamedOnes) {
  EXPECT_EQ(wire_of("1 . key3=443"), wire_of("1 . port=443"));
  EXPECT_EQ(rdata_text(Type::kSvcb, require_ok(read(Type::kSvcb, "1 . key1=h2"))),
            "1 . alpn=\"h2\"");
}

TEST(SvcbParameters, OctetsOutOfOrderAreRefused) {
  const auto check = [](std::string_view parameters) {
    return check_rdata(Type::kSvcb, octets("0001 00") + octets(parameters));
  };
  EXPECT_THAT(check("0003 0002 0035 0001 0003 026832"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("0003 0002 0035 0003 0002 0035"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("0003 0003 0035"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("0003 0001 35"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("0001 0003 036832"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("0000 0002 0003"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("ffff 0000"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("0003"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check("0003 0002 0035 029b 0000"), ok());
}

}  // namespace
}  // namespace mcns
