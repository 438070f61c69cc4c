// Every type, with the examples of the RFCs that define them.
#include <ostream>

#include <gtest/gtest.h>

#include "rdata_fixture.h"

namespace mcns {
namespace {

using test::octets;
using test::read;

struct Example {
  Type type;
  std::string_view from;  // the RFC
  std::string_view text;
  std::string_view wire;
  std::string_view printed = {};  // when it is not `text`
};

void PrintTo(const Example& example, std::ostream* out) {
  *out << text(example.type) << " of " << example.from << ": " << example.text;
}

class Types : public testing::TestWithParam<Example> {};

TEST_P(Types, TextBecomesWire) {
  const Example& example = GetParam();

  const auto rdata = read(example.type, example.text);

  ASSERT_THAT(rdata, dsl::test::ok());
  EXPECT_EQ(hex(*rdata), hex(octets(example.wire)));
  EXPECT_THAT(check_rdata(example.type, *rdata), dsl::test::ok());
}

TEST_P(Types, WireBecomesText) {
  const Example& example = GetParam();

  EXPECT_EQ(rdata_text(example.type, octets(example.wire)),
            example.printed.empty() ? example.text : example.printed);
}

TEST_P(Types, IsReadInGenericFormToo) {
  const Example& example = GetParam();
  const Bytes wire = octets(example.wire);

  const auto rdata = read(example.type, dsl::text("\\# {} {}", wire.size(), hex(wire)));

  ASSERT_THAT(rdata, dsl::test::ok());
  EXPECT_EQ(*rdata, wire);
}

// Cut at any octet it is refused, or a shorter value of its type; never is a read past the end.
TEST_P(Types, CutShortIsPrintedInGenericFormOrIsShorter) {
  const Example& example = GetParam();
  const Bytes wire = octets(example.wire);

  for (std::size_t size = 0; size < wire.size(); ++size) {
    const Bytes cut = wire.substr(0, size);
    const std::string printed = rdata_text(example.type, cut);
    if (!check_rdata(example.type, cut)) {
      EXPECT_TRUE(printed.starts_with("\\# ")) << printed;
    } else {
      EXPECT_EQ(dsl::test::require_ok(read(example.type, printed)), cut) << printed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Addresses, Types,
    testing::Values(Example{Type::kA, "RFC 1035 section 5.3", "26.3.0.103", "1a030067"},
                    Example{Type::kAaaa, "RFC 3596 section 2.5", "4321:0:1:2:3:4:567:89ab",
                            "4321 0000 0001 0002 0003 0004 0567 89ab"},
                    Example{Type::kAaaa, "RFC 5952 section 4.2", "2001:0DB8:0:0:1:0:0:1",
                            "20010db8 00000000 00010000 00000001", "2001:db8::1:0:0:1"},
                    Example{Type::kAaaa, "RFC 4291 section 2.2", "::FFFF:129.144.52.38",
                            "00000000000000000000ffff81903426", "::ffff:129.144.52.38"},
                    Example{Type::kLoc, "RFC 1876 section 4", "42 21 54 N 71 06 18 W -24m 30m",
                            "00331613 89172dd0 70be15f0 00988d20",
                            "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m"},
                    Example{Type::kLoc, "RFC 1876 section 4",
                            "42 21 43.952 N 71 5 6.344 W -24m 1m 200m",
                            "00122413 89170690 70bf2dd8 00988d20",
                            "42 21 43.952 N 71 5 6.344 W -24.00m 1m 200m 10m"},
                    Example{Type::kLoc, "RFC 1876 section 4", "52 14 05 N 00 08 50 E 10m",
                            "00121613 8b3556c8 80081650 00989a68",
                            "52 14 5.000 N 0 8 50.000 E 10.00m 1m 10000m 10m"},
                    Example{Type::kLoc, "RFC 1876 section 4", "32 7 19 S 116 2 25 E 10m",
                            "00121613 791b7d28 98e64868 00989a68",
                            "32 7 19.000 S 116 2 25.000 E 10.00m 1m 10000m 10m"},
                    Example{Type::kLoc, "RFC 1876 section 4",
                            "42 21 28.764 N 71 00 51.617 W -44m 2000m",
                            "00251613 8916cb3c 70c310df 00988550",
                            "42 21 28.764 N 71 0 51.617 W -44.00m 2000m 10000m 10m"}));

INSTANTIATE_TEST_SUITE_P(
    Names, Types,
    testing::Values(
        Example{Type::kNs, "RFC 1035 section 5.3", "A.ISI.EDU.", "0141 03495349 03454455 00"},
        Example{Type::kNs, "relative", "ns", "026e73 076578616d706c65 036f7267 00",
                "ns.example.org."},
        Example{Type::kCname, "RFC 1034 section 3.6.2", "C.ISI.EDU.", "0143 03495349 03454455 00"},
        Example{Type::kCname, "the origin", "@", "076578616d706c65 036f7267 00", "example.org."},
        Example{Type::kDname, "RFC 6672 section 2.2", "frobozz-division.acme.example.",
                "1066726f626f7a7a2d6469766973696f6e 0461636d65 076578616d706c65 00"},
        Example{Type::kAlias, "PowerDNS", "www.Example.net.",
                "03777777 074578616d706c65 036e6574 00"},
        Example{Type::kPtr, "RFC 1035 section 3.5", "MILNET-GW.ISI.EDU.",
                "094d494c4e45542d4757 03495349 03454455 00"},
        Example{Type::kMx, "RFC 1035 section 5.3", "10 VENERA.ISI.EDU.",
                "000a 0656454e455241 03495349 03454455 00"},
        Example{Type::kMx, "RFC 7505 section 3", "0 .", "0000 00"},
        Example{Type::kSoa, "RFC 1035 section 5.3",
                "VENERA.ISI.EDU. Action\\.domains.ISI.EDU. 20 7200 600 3600000 60",
                "0656454e455241 03495349 03454455 00 0e416374696f6e2e646f6d61696e73 03495349 "
                "03454455 00 00000014 00001c20 00000258 0036ee80 0000003c"},
        Example{Type::kSoa, "periods", "ns mail 1 2h 10M 1w2d 0",
                "026e73 076578616d706c65 036f7267 00 046d61696c 076578616d706c65 036f7267 00 "
                "00000001 00001c20 00000258 000bdd80 00000000",
                "ns.example.org. mail.example.org. 1 7200 600 777600 0"},
        Example{Type::kSrv, "RFC 2782", "0 1 9 old-slow-box.example.com.",
                "0000 0001 0009 0c6f6c642d736c6f772d626f78 076578616d706c65 03636f6d 00"},
        Example{Type::kRp, "RFC 1183 section 2.3", "louie.trantor.umd.edu. LAM1.people.umd.edu.",
                "056c6f756965 077472616e746f72 03756d64 03656475 00 044c414d31 0670656f706c65 "
                "03756d64 03656475 00"},
        Example{Type::kNaptr, "RFC 3403 section 6.2",
                "100 50 \"s\" \"http+N2L+N2C+N2R\" \"\" www.example.com.",
                "0064 0032 0173 10687474702b4e324c2b4e32432b4e3252 00 03777777 076578616d706c65 "
                "03636f6d 00"},
        Example{Type::kNaptr, "RFC 3403 section 6.1",
                "100 10 \"\" \"\" \"!^urn:cid:.+@([^\\\\.]+\\\\.)(.*)$!\\\\2!i\" .",
                "0064 000a 00 00 21215e75726e3a6369643a2e2b40285b5e5c2e5d2b5c2e29282e2a2924215c32"
                "2169 00"}));

INSTANTIATE_TEST_SUITE_P(
    Texts, Types,
    testing::Values(
        Example{Type::kTxt, "RFC 7208 section 4.6.4", "\"v=spf1 +mx a:colo.example.com/28 -all\"",
                "25763d73706631202b6d7820613a636f6c6f2e6578616d706c652e636f6d2f3238202d616c6c"},
        Example{Type::kTxt, "RFC 1035 section 5.1", "one two\\ \\\"\\200 \"\"",
                "036f6e65 0674776f2022c8 00", "\"one\" \"two \\\"\\200\" \"\""},
        Example{Type::kHinfo, "RFC 1035 section 3.3.2", "VAX-11/780 UNIX",
                "0a5641582d31312f373830 04554e4958", "\"VAX-11/780\" \"UNIX\""},
        Example{Type::kCaa, "RFC 8659 section 4.2", "0 issue \"ca1.example.net; account=230123\"",
                "00 056973737565 6361312e6578616d706c652e6e65743b206163636f756e743d323330313233"},
        Example{Type::kCaa, "RFC 8659 section 4.5", "128 tbs \"Unknown\"",
                "80 03746273 556e6b6e6f776e"},
        Example{Type::kCaa, "RFC 8659 section 4.3", "0 issuewild \";\"",
                "00 09697373756577696c64 3b"},
        Example{Type::kCaa, "no value", "0 issue \"\"", "00 056973737565"},
        Example{Type::kUri, "RFC 7553 section 4.4", "10 1 \"ftp://ftp1.example.com/public\"",
                "000a 0001 6674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, Types,
    testing::Values(
        Example{Type::kSshfp, "RFC 4255 section 3.2",
                "2 1 123456789abcdef67890123456789abcdef67890",
                "02 01 123456789abcdef67890123456789abcdef67890"},
        Example{Type::kSshfp, "RFC 7479",
                "4 2 a87f1b687ac0e57d2a081a2f282672334d90ed316d2b818ca9580ea384d92401",
                "04 02 a87f1b687ac0e57d2a081a2f282672334d90ed316d2b818ca9580ea384d92401"},
        Example{Type::kTlsa, "RFC 6698 section 2.3",
                "0 0 1 d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971",
                "00 00 01 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
                "0 0 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
        Example{Type::kTlsa, "RFC 6698 section 2.3",
                "1 1 2 92003ba34942dc74152e2f2c408d29ec a5a520e7f2e06bb944f4dca346baf63c "
                "1b177615d466f6c4b71c216a50292bd5 8c9ebdd2f74e38fe51ffd48c43326cbc",
                "01 01 02 92003ba34942dc74152e2f2c408d29eca5a520e7f2e06bb944f4dca346baf63c"
                "1b177615d466f6c4b71c216a50292bd58c9ebdd2f74e38fe51ffd48c43326cbc",
                "1 1 2 92003ba34942dc74152e2f2c408d29eca5a520e7f2e06bb944f4dca346baf63c"
                "1b177615d466f6c4b71c216a50292bd58c9ebdd2f74e38fe51ffd48c43326cbc"},
        Example{Type::kSmimea, "RFC 8162 section 2", "3 0 0 308203073082", "03 00 00 308203073082"},
        Example{Type::kCert, "RFC 4398 section 2.2", "PGP 0 0 dGhlIGNlcnRpZmljYXRl",
                "0003 0000 00 746865206365727469666963617465"},
        Example{Type::kCert, "RFC 4398 section 2.2", "65280 12345 rsasha256 dGhlIGNl cnRpZmljYXRl",
                "ff00 3039 08 746865206365727469666963617465",
                "65280 12345 8 dGhlIGNlcnRpZmljYXRl"},
        Example{Type::kOpenpgpkey, "RFC 7929 section 2.2", "dGhlIGtleQ==", "746865206b6579"},
        Example{Type::kDs, "RFC 4034 section 5.4",
                "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
                "ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118",
                "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"},
        Example{Type::kDs, "RFC 8080 section 6.1",
                "3613 ED25519 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
                "0e1d 0f 02 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
                "3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b"},
        Example{Type::kCds, "RFC 8078 section 4", "0 0 0 00", "0000 00 00 00"},
        Example{Type::kCdnskey, "RFC 8078 section 4", "0 3 0 AA==", "0000 03 00 00"},
        Example{Type::kDnskey, "RFC 8080 section 6.1",
                "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
                "0101 03 0f 974d96a22d224bc01adb915091477d44ccd91c9a41a11430010117d52c59240e"},
        Example{Type::kZonemd, "RFC 8976 appendix A.1",
                "2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c 1370d4d24b7e2fc3a1ddc0b9a87153b9 "
                "a9713b3c9ae5cc27777f98b8e730044c",
                "7848b91c 01 01 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9"
                "a9713b3c9ae5cc27777f98b8e730044c",
                "2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9"
                "a9713b3c9ae5cc27777f98b8e730044c"}));

INSTANTIATE_TEST_SUITE_P(
    Signed, Types,
    testing::Values(
        Example{Type::kRrsig, "RFC 4034 section 3.3",
                "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WNGv+ldvQ3WDG0",
                "0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52 076578616d706c65 03636f6d 00 "
                "a090755ba58d1affa576f4375831b4"},
        Example{Type::kNsec, "RFC 4034 section 4.3", "host.example.com. A MX RRSIG NSEC TYPE1234",
                "04686f7374 076578616d706c65 03636f6d 00 0006 400100000003 041b "
                "000000000000000000000000000000000000000000000000000020"},
        Example{
            Type::kNsec3, "RFC 5155 appendix A",
            "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
            "01 01 000c 04aabbccdd 14174eb2409fe28bcb4887a1836f957f0a8425e27b 0007 "
            "22010000000290",
            "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY "
            "NSEC3PARAM"},
        Example{Type::kNsec3, "RFC 9276, an empty non-terminal",
                "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR",
                "01 00 0000 00 14174eb2409fe28bcb4887a1836f957f0a8425e27b",
                "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
        Example{Type::kNsec3Param, "RFC 5155 appendix A", "1 0 12 aabbccdd",
                "01 00 000c 04aabbccdd"},
        Example{Type::kNsec3Param, "RFC 9276 section 3.1", "1 0 0 -", "01 00 0000 00"}));

INSTANTIATE_TEST_SUITE_P(
    Unknown, Types,
    testing::Values(Example{static_cast<Type>(731), "RFC 3597 section 5", "\\# 6 abcd ef 01 23 45",
                            "abcdef012345", "\\# 6 abcdef012345"},
                    Example{static_cast<Type>(62347), "RFC 3597 section 5", "\\# 0", ""},
                    Example{Type::kA, "RFC 3597 section 5", "\\# 4 0A000001", "0a000001",
                            "10.0.0.1"}));

}  // namespace
}  // namespace mcns
