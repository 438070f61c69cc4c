#include "mcns/special/special.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mcns/special/zones.h"
#include "mcns/wire/name.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

using Kind = SpecialAnswer::Kind;

// Holds the name that an answer was found for.
struct Asked {
  Asked(std::string_view text, Type type)
      : name(dsl::test::require_ok(Name::parse(text))), wire(name.wire()) {
    EXPECT_EQ(read_query_name(wire, query_name), wire.size());
    answer = special_answer(query_name, type);
  }

  Name name;
  Bytes wire;
  QueryName query_name;
  SpecialAnswer answer;
};

Kind kind_of(std::string_view text, Type type = Type::kA) { return Asked(text, type).answer.kind; }

std::vector<std::string> data_of(std::string_view text, Type type) {
  const Asked asked(text, type);
  EXPECT_EQ(asked.answer.kind, Kind::kRecords) << text;
  return {asked.answer.rdata.begin(), asked.answer.rdata.end()};
}

std::string wire_of(std::string_view text) {
  return dsl::test::require_ok(Name::parse(text)).wire();
}

TEST(Special, OrdinaryNamesAreNot) {
  for (const char* name :
       {".", "com.", "example.test.", "test.", "example.", "localhost.example.test.", "local.",
        "arpa.", "in-addr.arpa.", "ip6.arpa.", "invalid.example.test.", "notlocalhost.",
        "onion.example.test.", "e164.arpa."}) {
    EXPECT_EQ(kind_of(name), Kind::kNotSpecial) << name;
  }
}

TEST(Special, LocalhostIsThisMachineAtEveryDepth) {
  for (const char* name : {"localhost.", "LocalHost.", "www.localhost.", "a.b.localhost."}) {
    EXPECT_EQ(data_of(name, Type::kA), std::vector{std::string("\x7f\0\0\1", 4)}) << name;
    EXPECT_EQ(data_of(name, Type::kAaaa), std::vector{std::string(15, '\0') + '\1'}) << name;
    EXPECT_EQ(kind_of(name, Type::kMx), Kind::kNoData) << name;
  }
  EXPECT_EQ(kind_of("localhost.", Type::kDs), Kind::kNoData);
}

TEST(Special, InvalidAndOnionDoNotExist) {
  for (const char* name : {"invalid.", "a.invalid.", "onion.", "x.y.ONION."}) {
    const Asked asked(name, Type::kA);

    EXPECT_EQ(asked.answer.kind, Kind::kNxDomain) << name;
    EXPECT_EQ(asked.answer.zone_labels, 0) << "the root does not have them";
    EXPECT_EQ(kind_of(name, Type::kDs), Kind::kNxDomain) << name;
  }
}

TEST(Special, HomeAndResolverAreEmptyZones) {
  for (const std::string zone : {"home.arpa.", "resolver.arpa."}) {
    EXPECT_EQ(kind_of(zone), Kind::kNoData);
    EXPECT_EQ(kind_of("_dns." + zone, Type::kSvcb), Kind::kNxDomain);
    EXPECT_EQ(data_of(zone, Type::kNs), std::vector{wire_of("localhost.")});
    EXPECT_EQ(data_of(zone, Type::kSoa), std::vector{std::string(special_soa())});
    EXPECT_EQ(kind_of("a." + zone, Type::kSoa), Kind::kNxDomain);
  }
}

TEST(Special, TheParentAnswersForTheDsOfAZone) {
  for (const char* name : {"home.arpa.", "10.in-addr.arpa.", "d.f.ip6.arpa.", "ipv4only.arpa."}) {
    EXPECT_EQ(kind_of(name, Type::kDs), Kind::kNotSpecial) << name;
  }
  EXPECT_EQ(kind_of("a.home.arpa.", Type::kDs), Kind::kNxDomain) << "which is not a zone's name";
}

TEST(Special, Ipv4onlyHasItsWellKnownAddresses) {
  EXPECT_EQ(data_of("ipv4only.arpa.", Type::kA),
            (std::vector{std::string("\xc0\0\0\xaa", 4), std::string("\xc0\0\0\xab", 4)}));
  EXPECT_EQ(kind_of("ipv4only.arpa.", Type::kAaaa), Kind::kNoData);
  EXPECT_EQ(kind_of("www.ipv4only.arpa."), Kind::kNxDomain);
  for (const char* name : {"170.0.0.192.in-addr.arpa.", "171.0.0.192.in-addr.arpa."}) {
    EXPECT_EQ(data_of(name, Type::kPtr), std::vector{wire_of("ipv4only.arpa.")}) << name;
  }
  EXPECT_EQ(kind_of("172.0.0.192.in-addr.arpa."), Kind::kNotSpecial);
}

TEST(Special, PrivateReverseZonesStayHere) {
  for (const char* name :
       {"1.2.3.10.in-addr.arpa.", "9.16.172.in-addr.arpa.", "9.31.172.in-addr.arpa.",
        "1.88.168.192.in-addr.arpa.", "1.0.0.0.in-addr.arpa.", "7.254.169.in-addr.arpa.",
        "1.2.0.192.in-addr.arpa.", "1.100.51.198.in-addr.arpa.", "1.113.0.203.in-addr.arpa.",
        "a.255.255.255.255.in-addr.arpa.", "1.64.100.in-addr.arpa.", "1.127.100.in-addr.arpa.",
        "1.d.f.ip6.arpa.", "0.8.e.f.ip6.arpa.", "0.B.E.F.IP6.ARPA.",
        "1.8.b.d.0.1.0.0.2.ip6.arpa."}) {
    EXPECT_EQ(kind_of(name, Type::kPtr), Kind::kNxDomain) << name;
  }
  for (const char* name :
       {"10.in-addr.arpa.", "16.172.in-addr.arpa.", "168.192.in-addr.arpa.",
        "255.255.255.255.in-addr.arpa.", "100.100.in-addr.arpa.", "d.f.ip6.arpa."}) {
    EXPECT_EQ(kind_of(name, Type::kPtr), Kind::kNoData) << name;
  }
}

TEST(Special, PublicReverseZonesDoNot) {
  for (const char* name :
       {"1.11.in-addr.arpa.", "172.in-addr.arpa.", "15.172.in-addr.arpa.", "32.172.in-addr.arpa.",
        "1.192.in-addr.arpa.", "192.in-addr.arpa.", "63.100.in-addr.arpa.", "128.100.in-addr.arpa.",
        "010.in-addr.arpa.", "266.in-addr.arpa.", "x.in-addr.arpa.",
        "254.255.255.255.in-addr.arpa.", "f.ip6.arpa.", "c.f.ip6.arpa.", "c.e.f.ip6.arpa.",
        "0.2.ip6.arpa.", "10.ip6.arpa."}) {
    EXPECT_EQ(kind_of(name, Type::kPtr), Kind::kNotSpecial) << name;
  }
}

TEST(Special, LoopbackAddressesAreCalledLocalhost) {
  const std::string one = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";

  EXPECT_EQ(data_of("1.0.0.127.in-addr.arpa.", Type::kPtr), std::vector{wire_of("localhost.")});
  EXPECT_EQ(data_of(one + ".ip6.arpa.", Type::kPtr), std::vector{wire_of("localhost.")});
  EXPECT_EQ(kind_of(one + ".ip6.arpa.", Type::kA), Kind::kNoData);
  EXPECT_EQ(kind_of("0" + one.substr(1) + ".ip6.arpa.", Type::kPtr), Kind::kNoData);

  EXPECT_EQ(kind_of("127.in-addr.arpa.", Type::kPtr), Kind::kNoData);
  EXPECT_EQ(kind_of("0.127.in-addr.arpa.", Type::kPtr), Kind::kNoData) << "1.0.0.127 is below it";
  EXPECT_EQ(kind_of("0.0.127.in-addr.arpa.", Type::kPtr), Kind::kNoData);
  EXPECT_EQ(kind_of("0.0.0.127.in-addr.arpa.", Type::kPtr), Kind::kNxDomain);
  EXPECT_EQ(kind_of("1.1.0.0.127.in-addr.arpa.", Type::kPtr), Kind::kNxDomain);
  EXPECT_EQ(kind_of("53.0.0.127.in-addr.arpa.", Type::kPtr), Kind::kNxDomain);
}

TEST(Special, NegativeAnswersNameTheZoneOfTheirSoa) {
  EXPECT_EQ(Asked("a.b.16.172.in-addr.arpa.", Type::kA).answer.zone_labels, 4);
  EXPECT_EQ(Asked("x.localhost.", Type::kTxt).answer.zone_labels, 1);
  EXPECT_EQ(Asked("1.d.f.ip6.arpa.", Type::kPtr).answer.zone_labels, 4);
}

TEST(Special, AnyGetsOneRrset) {
  EXPECT_EQ(Asked("localhost.", Type::kAny).answer.type, Type::kA);
  EXPECT_EQ(Asked("1.0.0.127.in-addr.arpa.", Type::kAny).answer.type, Type::kPtr);
  EXPECT_EQ(Asked("home.arpa.", Type::kAny).answer.type, Type::kSoa);
  EXPECT_EQ(kind_of("0.127.in-addr.arpa.", Type::kAny), Kind::kNoData);
  EXPECT_EQ(kind_of("x.home.arpa.", Type::kAny), Kind::kNxDomain);
}

TEST(Special, TheSoaIsThatOfRfc6303) {
  const std::string expected = wire_of("localhost.") + wire_of("nobody.invalid.") +
                               std::string(
                                   "\0\0\0\1"
                                   "\0\0\x0e\x10"
                                   "\0\0\x04\xb0"
                                   "\0\x09\x3a\x80"
                                   "\0\0\x2a\x30",
                                   20);

  EXPECT_EQ(special_soa(), expected);
}

TEST(Special, TheLongestNameIsRead) {
  std::string text = "localhost.";
  for (int i = 0; i < 122; ++i) {
    text.insert(0, "a.");
  }

  EXPECT_EQ(kind_of(text), Kind::kRecords);
}

}  // namespace
}  // namespace mcns
