#include <gtest/gtest.h>

#include "rdata_fixture.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using test::name;
using test::octets;
using test::read;

std::string canonical(Type type, std::string_view text) {
  return rdata_text(type, canonical_rdata(type, require_ok(read(type, text))));
}

// RFC 4034 section 6.2 as corrected by RFC 6840 section 5.1.
TEST(CanonicalRdata, LowersNamesOfTheListedTypesOnly) {
  EXPECT_EQ(canonical(Type::kNs, "NS1.Example.NET."), "ns1.example.net.");
  EXPECT_EQ(canonical(Type::kCname, "WWW.Example."), "www.example.");
  EXPECT_EQ(canonical(Type::kDname, "WWW.Example."), "www.example.");
  EXPECT_EQ(canonical(Type::kPtr, "WWW.Example."), "www.example.");
  EXPECT_EQ(canonical(Type::kMx, "10 MAIL.Example."), "10 mail.example.");
  EXPECT_EQ(canonical(Type::kSrv, "1 2 3 SIP.Example."), "1 2 3 sip.example.");
  EXPECT_EQ(canonical(Type::kRp, "A.B. C.D."), "a.b. c.d.");
  EXPECT_EQ(canonical(Type::kSoa, "NS. Mail.Example. 1 2 3 4 5"), "ns. mail.example. 1 2 3 4 5");
  EXPECT_EQ(canonical(Type::kNaptr, "1 2 \"S\" \"SIP\" \"X\" Y.Z."),
            "1 2 \"S\" \"SIP\" \"X\" y.z.");
  EXPECT_EQ(canonical(Type::kRrsig, "A 13 1 60 20240201000000 20240101000000 1 Example.NET. AAAA"),
            "A 13 1 60 20240201000000 20240101000000 1 example.net. AAAA");
  EXPECT_EQ(canonical(Type::kNsec, "B.Example. A"), "B.Example. A");
  EXPECT_EQ(canonical(Type::kSvcb, "1 SVC.Example."), "1 SVC.Example.");
  EXPECT_EQ(canonical(Type::kTxt, "\"AbC\""), "\"AbC\"");
  EXPECT_EQ(canonical(Type::kHinfo, "\"AbC\" \"D\""), "\"AbC\" \"D\"");
}

TEST(CanonicalRdata, EqualAddressesAreEqual) {
  EXPECT_EQ(require_ok(read(Type::kAaaa, "::1")), require_ok(read(Type::kAaaa, "0:0:0:0:0:0:0:1")));
}

TEST(NamesInside, AreWhereTheyAre) {
  const Bytes soa = require_ok(read(Type::kSoa, "a. bc. 1 2 3 4 5"));
  const auto names = names_inside(Type::kSoa, soa);

  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(soa.substr(names[0].offset, names[0].size), octets("016100"));
  EXPECT_EQ(soa.substr(names[1].offset, names[1].size), octets("02626300"));
  EXPECT_TRUE(names[0].compressible && names[1].compressible);
}

// RFC 3597 section 4: of the types of RFC 1035 only.
TEST(NamesInside, OfLaterTypesAreNotCompressible) {
  for (const auto& [type, text] :
       {std::pair{Type::kSrv, "1 2 3 a."}, std::pair{Type::kDname, "a."},
        std::pair{Type::kRp, "a. b."}, std::pair{Type::kNsec, "a. A"},
        std::pair{Type::kSvcb, "1 a."}, std::pair{Type::kNaptr, "1 2 \"\" \"\" \"\" a."}}) {
    const auto names = names_inside(type, require_ok(read(type, text)));
    ASSERT_FALSE(names.empty()) << text;
    EXPECT_FALSE(names[0].compressible) << text;
  }
  EXPECT_TRUE(names_inside(Type::kTxt, octets("0161")).empty());
  EXPECT_TRUE(names_inside(static_cast<Type>(65280), octets("0161 00")).empty());
  EXPECT_TRUE(names_inside(Type::kMx, octets("0001")).empty());
}

TEST(AdditionalTarget, IsTheHostPointedTo) {
  const auto target = [](Type type, std::string_view text) {
    return additional_target(type, require_ok(read(type, text)));
  };
  EXPECT_EQ(target(Type::kNs, "ns"), name("ns.example.org."));
  EXPECT_EQ(target(Type::kMx, "10 mail"), name("mail.example.org."));
  EXPECT_EQ(target(Type::kSrv, "1 2 3 sip"), name("sip.example.org."));
  EXPECT_EQ(target(Type::kSvcb, "1 svc port=1"), name("svc.example.org."));
  EXPECT_EQ(target(Type::kHttps, "0 svc"), name("svc.example.org."));
  EXPECT_EQ(target(Type::kMx, "0 ."), std::nullopt);
  EXPECT_EQ(target(Type::kSrv, "0 0 0 ."), std::nullopt);
  EXPECT_EQ(target(Type::kHttps, "1 ."), std::nullopt);
  EXPECT_EQ(target(Type::kCname, "www"), std::nullopt);
  EXPECT_EQ(additional_target(Type::kMx, octets("00")), std::nullopt);
}

TEST(RdataText, NamesAreBelowAnOriginWhenThereIsOne) {
  const Bytes rdata = require_ok(read(Type::kSoa, "ns mail.example.net. 1 2 3 4 5"));

  EXPECT_EQ(rdata_text(Type::kSoa, rdata, &test::example_org()), "ns mail.example.net. 1 2 3 4 5");
  EXPECT_EQ(rdata_text(Type::kCname, test::example_org().wire(), &test::example_org()), "@");
}

TEST(SoaValue, IsReadAndWritten) {
  const Bytes rdata = require_ok(read(Type::kSoa, "ns mail 4294967295 2 3 4 5"));

  const Soa soa = require_ok(Soa::parse(rdata));

  EXPECT_EQ(soa, (Soa{.primary_ns = name("ns.example.org."),
                      .admin_email = name("mail.example.org."),
                      .serial = 4294967295,
                      .refresh_s = 2,
                      .retry_s = 3,
                      .expire_s = 4,
                      .minimum_ttl_s = 5}));
  EXPECT_EQ(soa.rdata(), rdata);
  EXPECT_THAT(Soa::parse(rdata.substr(1)), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(Soa::parse(rdata + "x"), failed_with(Code::kInvalidArgument));
}

TEST(Hostname, HasLettersDigitsAndHyphensInside) {
  for (const char* text :
       {"-a.example.", "a-.example.", "a b.example.", "a_b.example.", "*.example.",
        "\\233t\\233.example.", "a.-.example.", "_25._tcp.example.", "a\\.b."}) {
    EXPECT_THAT(check_hostname(name(text)), failed_with(Code::kInvalidArgument)) << text;
  }
  for (const char* text :
       {"a.example.", "3com.example.", "xn--bcher-kva.example.", "A-1.example.", "1.2.3.4.", "."}) {
    EXPECT_THAT(check_hostname(name(text)), ok()) << text;
  }
  EXPECT_THAT(check_hostname(name("a b.example.")),
              failed_saying(Code::kInvalidArgument, "a\\032b.example. is not the name of a host"));
}

TEST(Hostname, OfAnOwnerMayHaveUnderscoresAndBeginWithAWildcard) {
  for (const char* text : {"_a.example.", "a_b.example.", "*.example.", "*.a_.example."}) {
    EXPECT_THAT(check_hostname(name(text), HostUse::kOwner), ok()) << text;
  }
  for (const char* text : {"a.*.example.", "a*.example.", "-a.example.", "a b.example."}) {
    EXPECT_THAT(check_hostname(name(text), HostUse::kOwner), failed_with(Code::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace mcns
