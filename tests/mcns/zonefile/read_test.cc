#include <gmock/gmock.h>

#include "zonefile_fixture.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using test::name;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using ReadZonefile = test::ZonefileTest;

TEST_F(ReadZonefile, ErrorsHaveFileLineAndColumn) {
  EXPECT_THAT(read("www A 192.0.2.1\n"
                   "www 300 IN A 192.0.2.\n"
                   "mail MX ten mail\n"
                   "mail MX 10\n"
                   "\tA\n"
                   "a..b A 192.0.2.1\n"
                   "x NONSENSE y\n"
                   "x 1z A 192.0.2.1\n"
                   "x CH A 192.0.2.1\n"
                   "x TXT \"open\n"
                   "x TXT a\\\n"
                   "x 300 IN\n"
                   "ok A 192.0.2.2\n"),
              failed_saying(Code::kUnprocessable, "zone has 11 errors"));

  EXPECT_THAT(
      errors,
      ElementsAre(HasSubstr("zone:2:14: A: the address \"192.0.2.\" is not an IPv4 address"),
                  HasSubstr("zone:3:9: MX: the preference \"ten\" is not a number from 0 to 65535 "
                            "(for example: MX 10 mail.example.net.)"),
                  HasSubstr("zone:4:11: MX: the mail exchange is missing"),
                  HasSubstr("zone:5:3: A: the address is missing"),
                  HasSubstr("zone:6:1: the name a..b has an empty label"),
                  HasSubstr("zone:7:3: \"NONSENSE\" is no record type"),
                  HasSubstr("zone:8:3: \"1z\" is no TTL"),
                  HasSubstr("zone:9:3: the class CH is not served"),
                  HasSubstr("zone:10:7: a quote is not closed on its line"),
                  HasSubstr("zone:11:8: an escape is neither"),
                  HasSubstr("zone:12:9: the type is missing")));
  EXPECT_THAT(lines,
              ElementsAre("www.example.org. 300 A 192.0.2.1", "ok.example.org. 300 A 192.0.2.2"));
}

TEST_F(ReadZonefile, ErrorsInsideOfParenthesesHaveTheirOwnLine) {
  EXPECT_THAT(read("a A 192.0.2.1\n"
                   "@ SOA ns mail (\n"
                   "   1 ; serial\n"
                   "   x ; refresh\n"
                   "   1 1 1 )\n"),
              failed_with(Code::kUnprocessable));
  EXPECT_THAT(errors, ElementsAre(HasSubstr("zone:4:4: SOA: the refresh \"x\"")));
}

TEST_F(ReadZonefile, ParenthesesHaveToMatch) {
  EXPECT_THAT(read("a A ( ( 192.0.2.1 ) )\nb A 192.0.2.1 )\n)\nc A ( 192.0.2.1\nd A 192.0.2.1\n"),
              failed_with(Code::kUnprocessable));
  EXPECT_THAT(errors, ElementsAre(HasSubstr("zone:1:7: a parenthesis inside of another"),
                                  HasSubstr("zone:2:15: nothing is open here"),
                                  HasSubstr("zone:3:1: nothing is open here"),
                                  HasSubstr("zone:4:5: a parenthesis is not closed")));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(ReadZonefile, ReadingEndsWithTheHundredthError) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += "a A x\n";
  }
  text += "b A 192.0.2.1\n";

  EXPECT_THAT(read(text), failed_saying(Code::kUnprocessable, "zone has 100 errors or more"));
  EXPECT_EQ(errors.size(), 100U);
  EXPECT_THAT(errors.back(), HasSubstr("zone:100:5: "));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(ReadZonefile, ErrorsOfTheCallerAreAmongThem) {
  const auto outcome = read_zonefile(
      env, "zone", "a A 192.0.2.1\n\n  b A 192.0.2.1\nc A 192.0.2.1\n", options,
      [](const Record& record, int) -> dsl::Result<void> {
        if (record.name == name("a.example.org.")) {
          return dsl::fail(Code::kConflict, "it is there already").hint("delete it first");
        }
        return {};
      });

  ASSERT_THAT(outcome, failed_with(Code::kUnprocessable));
  EXPECT_EQ(outcome.error().details().at(0),
            (dsl::Detail{"zone:1:1", "it is there already (delete it first)"}));
}

TEST_F(ReadZonefile, RecordWithoutATtlAndNoneToTakeIsAnError) {
  options.default_ttl.reset();
  EXPECT_THAT(read("a A 192.0.2.1\n"),
              failed_saying(Code::kUnprocessable, "begin the file with $TTL"));
  EXPECT_THAT(read("a 60 A 192.0.2.1\nb A 192.0.2.1\nc 70 A 192.0.2.1\nd A 192.0.2.1"), ok());
  EXPECT_THAT(lines, ElementsAre("a.example.org. 60 A 192.0.2.1", "b.example.org. 60 A 192.0.2.1",
                                 "c.example.org. 70 A 192.0.2.1", "d.example.org. 70 A 192.0.2.1"));
}

TEST_F(ReadZonefile, RecordWithoutANameAndNoneBeforeIsAnError) {
  EXPECT_THAT(read("  A 192.0.2.1\n"), failed_saying(Code::kUnprocessable, "no name"));
}

TEST_F(ReadZonefile, EmptyTextHasNoRecords) {
  for (const char* text :
       {"", "\n", " \t\n\r\n", "; comment", "  ; comment\n\n", "()\n", "(\n\n)\n"}) {
    EXPECT_THAT(read(text), ok()) << text;
    EXPECT_THAT(lines, IsEmpty()) << text;
  }
}

// The zone of RFC 1035 section 5.3, with types of today in the place of MB and MG.
TEST_F(ReadZonefile, ZoneOfTheRfcIsRead) {
  options.origin = name("ISI.EDU.");
  options.include_dir = "/zones";
  dsl::test::require_ok(env.files().make_directories("/zones", 0755));
  dsl::test::require_ok(env.files().write_file("/zones/ISI-MAILBOXES.TXT",
                                               "MOE     CNAME   A.ISI.EDU.\n"
                                               "STOOGES RP      MOE LARRY\n"
                                               "        RP      LARRY MOE\n"));

  EXPECT_THAT(read("@   IN  SOA     VENERA      Action\\.domains (\n"
                   "                                 20     ; SERIAL\n"
                   "                                 7200   ; REFRESH\n"
                   "                                 600    ; RETRY\n"
                   "                                 3600000; EXPIRE\n"
                   "                                 60)    ; MINIMUM\n"
                   "\n"
                   "        NS      A.ISI.EDU.\n"
                   "        NS      VENERA\n"
                   "        NS      VAXA\n"
                   "        MX      10      VENERA\n"
                   "        MX      20      VAXA\n"
                   "\n"
                   "A       A       26.3.0.103\n"
                   "\n"
                   "VENERA  A       10.1.0.52\n"
                   "        A       128.9.0.32\n"
                   "\n"
                   "VAXA    A       10.2.0.27\n"
                   "        A       128.9.0.33\n"
                   "\n"
                   "$INCLUDE ISI-MAILBOXES.TXT\n"),
              ok());

  EXPECT_THAT(
      lines,
      ElementsAre(
          "ISI.EDU. 300 SOA VENERA.ISI.EDU. Action\\.domains.ISI.EDU. 20 7200 600 3600000 60",
          "ISI.EDU. 300 NS A.ISI.EDU.", "ISI.EDU. 300 NS VENERA.ISI.EDU.",
          "ISI.EDU. 300 NS VAXA.ISI.EDU.", "ISI.EDU. 300 MX 10 VENERA.ISI.EDU.",
          "ISI.EDU. 300 MX 20 VAXA.ISI.EDU.", "A.ISI.EDU. 300 A 26.3.0.103",
          "VENERA.ISI.EDU. 300 A 10.1.0.52", "VENERA.ISI.EDU. 300 A 128.9.0.32",
          "VAXA.ISI.EDU. 300 A 10.2.0.27", "VAXA.ISI.EDU. 300 A 128.9.0.33",
          "MOE.ISI.EDU. 300 CNAME A.ISI.EDU.",
          "STOOGES.ISI.EDU. 300 RP MOE.ISI.EDU. LARRY.ISI.EDU.",
          "STOOGES.ISI.EDU. 300 RP LARRY.ISI.EDU. MOE.ISI.EDU."));
}

TEST_F(ReadZonefile, LinesOfRecordsAreThoseOfTheirBeginning) {
  EXPECT_THAT(read("\n; comment\na A 192.0.2.1\nb A (\n192.0.2.1\n)\nc A 192.0.2.1"), ok());
  EXPECT_THAT(numbers, ElementsAre(3, 4, 7));
}

// RFC 1035 section 5.1.
TEST_F(ReadZonefile, TtlAndClassStandInEitherOrderOrNotAtAll) {
  EXPECT_THAT(read("a 60 IN A 192.0.2.1\n"
                   "b IN 60 A 192.0.2.1\n"
                   "c in A 192.0.2.1\n"
                   "d 1h30m A 192.0.2.1\n"
                   "e A 192.0.2.1\n"
                   "f CLASS1 TYPE1 192.0.2.1\n"
                   "g 2147483647 A 192.0.2.1\n"),
              ok());
  EXPECT_THAT(lines,
              ElementsAre("a.example.org. 60 A 192.0.2.1", "b.example.org. 60 A 192.0.2.1",
                          "c.example.org. 300 A 192.0.2.1", "d.example.org. 5400 A 192.0.2.1",
                          "e.example.org. 300 A 192.0.2.1", "f.example.org. 300 A 192.0.2.1",
                          "g.example.org. 2147483647 A 192.0.2.1"));
  EXPECT_THAT(read("a 2147483648 A 192.0.2.1\n"), failed_with(Code::kUnprocessable));
  EXPECT_THAT(read("a 60 60 A 192.0.2.1\n"), failed_with(Code::kUnprocessable));
  EXPECT_THAT(read("a IN IN A 192.0.2.1\n"), failed_with(Code::kUnprocessable));
}

TEST_F(ReadZonefile, NamesMayLookLikeTypesAndClasses) {
  EXPECT_THAT(read("in A 192.0.2.1\nA A 192.0.2.1\n60 A 192.0.2.1\n"), ok());
  EXPECT_THAT(lines,
              ElementsAre("in.example.org. 300 A 192.0.2.1", "A.example.org. 300 A 192.0.2.1",
                          "60.example.org. 300 A 192.0.2.1"));
}

TEST_F(ReadZonefile, QuotesProtectWhatMeansSomething) {
  EXPECT_THAT(read("a TXT \"v=DKIM1; k=rsa\" ; comment\n"
                   "b TXT ( \"( one )\"\n  \"two\" )\n"
                   "c TXT a\\;b\\\"c \\( ;\n"
                   "d HTTPS 1 . alpn=\"h2,h3\" ; comment\n"
                   "e TXT \"\"\n"),
              ok());
  EXPECT_THAT(lines, ElementsAre("a.example.org. 300 TXT \"v=DKIM1; k=rsa\"",
                                 "b.example.org. 300 TXT \"( one )\" \"two\"",
                                 "c.example.org. 300 TXT \"a;b\\\"c\" \"(\"",
                                 "d.example.org. 300 HTTPS 1 . alpn=\"h2,h3\"",
                                 "e.example.org. 300 TXT \"\""));
}

TEST_F(ReadZonefile, NamesHaveEscapes) {
  EXPECT_THAT(
      read("a\\.b A 192.0.2.1\n\\$x A 192.0.2.1\n\\@ CNAME \\064\n* A 192.0.2.1\n@ A 192.0.2.1"),
      ok());
  EXPECT_THAT(lines,
              ElementsAre("a\\.b.example.org. 300 A 192.0.2.1", "\\$x.example.org. 300 A 192.0.2.1",
                          "\\@.example.org. 300 CNAME \\@.example.org.",
                          "*.example.org. 300 A 192.0.2.1", "example.org. 300 A 192.0.2.1"));
}

TEST_F(ReadZonefile, LinesMayEndAsOnWindows) {
  EXPECT_THAT(read("a A 192.0.2.1\r\n\r\nb MX ( 10\r\n mail )\r\nc TXT x\r\n"), ok());
  EXPECT_THAT(lines, ElementsAre("a.example.org. 300 A 192.0.2.1",
                                 "b.example.org. 300 MX 10 mail.example.org.",
                                 "c.example.org. 300 TXT \"x\""));
}

// RFC 3597 section 5.
TEST_F(ReadZonefile, UnknownTypesAreOctets) {
  EXPECT_THAT(
      read("a TYPE731 \\# 6 abcd (\n ef 01 23 45 )\nb TYPE62347 \\# 0\ne IN A \\# 4 0A000001\n"),
      ok());
  EXPECT_THAT(lines,
              ElementsAre("a.example.org. 300 TYPE731 \\# 6 abcdef012345",
                          "b.example.org. 300 TYPE62347 \\# 0", "e.example.org. 300 A 10.0.0.1"));
}

}  // namespace
}  // namespace mcns
