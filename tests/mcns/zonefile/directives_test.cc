#include <gmock/gmock.h>

#include "support/temp_dir.h"
#include "zonefile_fixture.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Directives = test::ZonefileTest;

TEST_F(Directives, UnknownOnesAndWrongFormsAreErrors) {
  EXPECT_THAT(read("$NONSENSE\n"
                   "$ORIGIN\n"
                   "$ORIGIN a b\n"
                   "$ORIGIN a..b\n"
                   "$TTL\n"
                   "$TTL x\n"
                   "$TTL 2147483648\n"
                   "$INCLUDE\n"
                   "$GENERATE 1-2 a\n"),
              failed_with(Code::kUnprocessable));
  EXPECT_THAT(errors,
              ElementsAre(HasSubstr("zone:1:1: \"$NONSENSE\" is no directive"),
                          HasSubstr("zone:2:8: the form is: $ORIGIN NAME"),
                          HasSubstr("zone:3:9: the form is"), HasSubstr("zone:4:9: the name a..b"),
                          HasSubstr("zone:5:5: the form is"), HasSubstr("zone:6:6: the form is"),
                          HasSubstr("zone:7:6: the form is"), HasSubstr("zone:8:9: the form is"),
                          HasSubstr("zone:9:11: the form is")));
}

TEST_F(Directives, OriginIsForWhatFollows) {
  EXPECT_THAT(read("a A 192.0.2.1\n"
                   "$ORIGIN sub\n"
                   "b CNAME c\n"
                   "$origin deeper\n"
                   "@ A 192.0.2.1\n"
                   "$ORIGIN example.net.\n"
                   "  A 192.0.2.2\n"
                   "d A 192.0.2.1\n"),
              ok());
  EXPECT_THAT(lines, ElementsAre("a.example.org. 300 A 192.0.2.1",
                                 "b.sub.example.org. 300 CNAME c.sub.example.org.",
                                 "deeper.sub.example.org. 300 A 192.0.2.1",
                                 "deeper.sub.example.org. 300 A 192.0.2.2",
                                 "d.example.net. 300 A 192.0.2.1"));
}

// RFC 2308 section 4.
TEST_F(Directives, TtlIsForWhatFollowsAndHasNone) {
  EXPECT_THAT(read("a A 192.0.2.1\n$TTL 1h\nb A 192.0.2.1\nc 60 A 192.0.2.1\nd A 192.0.2.1\n"
                   "$TTL 0\ne A 192.0.2.1\n"),
              ok());
  EXPECT_THAT(lines,
              ElementsAre("a.example.org. 300 A 192.0.2.1", "b.example.org. 3600 A 192.0.2.1",
                          "c.example.org. 60 A 192.0.2.1", "d.example.org. 3600 A 192.0.2.1",
                          "e.example.org. 0 A 192.0.2.1"));
}

class Include : public test::ZonefileTest {
 protected:
  Include() {
    env.use_real_files();
    options.include_dir = dir.path();
  }

  dsl::test::TempDir dir;
  dsl::test::TempDir other;
};

TEST_F(Include, IsRefusedWithoutAFolder) {
  options.include_dir.clear();
  dir.write("a", "a A 192.0.2.1\n");

  EXPECT_THAT(read("$INCLUDE a\n"), failed_saying(Code::kUnprocessable, "not allowed here"));
  EXPECT_THAT(read("$INCLUDE " + dir.file("a")), failed_with(Code::kUnprocessable));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(Include, OfWhatDoesNotLieBelowTheFolderIsRefused) {
  other.write("secret", "secret A 192.0.2.1\n");
  const std::string up = "../" + other.path().substr(other.path().rfind('/') + 1) + "/secret";
  ASSERT_EQ(symlink(other.file("secret").c_str(), dir.file("link").c_str()), 0);

  for (const std::string& path : {other.file("secret"), up, std::string("link"), std::string("."),
                                  std::string(".."), dir.path() + "x/secret"}) {
    EXPECT_THAT(read("$INCLUDE " + path + "\n"), failed_with(Code::kUnprocessable)) << path;
    EXPECT_THAT(lines, IsEmpty()) << path;
  }
}

TEST_F(Include, OfItselfIsRefused) {
  dir.write("a", "x A 192.0.2.1\n$INCLUDE b\n");
  dir.write("b", "y A 192.0.2.1\n$INCLUDE a\n");

  EXPECT_THAT(read("$INCLUDE a\n"),
              failed_saying(Code::kUnprocessable, "b:2:10: a includes itself"));
  EXPECT_EQ(lines.size(), 2U);
}

TEST_F(Include, MissingFilesAndErrorsInsideAreNamed) {
  dir.write("a", "\nx A nonsense\n");

  EXPECT_THAT(read("$INCLUDE gone\n$INCLUDE a\n"), failed_with(Code::kUnprocessable));
  EXPECT_THAT(errors, ElementsAre(HasSubstr("zone:1:10: "), HasSubstr("a:2:5: A: the address")));
}

TEST_F(Include, ReadsInPlaceAndLeavesOriginAndNameAsTheyWere) {
  dir.write("a file", "www A 192.0.2.1\n$ORIGIN deeper\nx A 192.0.2.2\n");

  EXPECT_THAT(read("before A 192.0.2.3\n"
                   "$INCLUDE \"a file\" sub\n"
                   "  A 192.0.2.4\n"
                   "$INCLUDE " +
                   dir.file("a\\ file") +
                   " ; comment\n"
                   "after A 192.0.2.5\n"),
              ok());
  EXPECT_THAT(
      lines,
      ElementsAre("before.example.org. 300 A 192.0.2.3", "www.sub.example.org. 300 A 192.0.2.1",
                  "x.deeper.sub.example.org. 300 A 192.0.2.2",
                  "before.example.org. 300 A 192.0.2.4", "www.example.org. 300 A 192.0.2.1",
                  "x.deeper.example.org. 300 A 192.0.2.2", "after.example.org. 300 A 192.0.2.5"));
}

TEST_F(Include, OfTheSameFileTwiceIsAllowed) {
  dir.write("a", "x A 192.0.2.1\n");

  EXPECT_THAT(read("$INCLUDE a one\n$INCLUDE a two\n"), ok());
  EXPECT_EQ(lines.size(), 2U);
}

using Generate = test::ZonefileTest;

TEST_F(Generate, WrongRangesAndFormatsAreErrors) {
  for (const char* text : {
           "$GENERATE 1 a$ A 192.0.2.$",
           "$GENERATE 2-1 a$ A 192.0.2.$",
           "$GENERATE 1-2/0 a$ A 192.0.2.$",
           "$GENERATE 1-x a$ A 192.0.2.$",
           "$GENERATE 1-2147483648 a$ A 192.0.2.$",
           "$GENERATE 1-70000 a$ TXT x",
           "$GENERATE 1-2 a${x} A 192.0.2.$",
           "$GENERATE 1-2 a${1 A 192.0.2.$",
           "$GENERATE 1-2 a${0,256} A 192.0.2.$",
           "$GENERATE 1-2 a${0,2,q} A 192.0.2.$",
           "$GENERATE 1-2 a${0,2,d,1} A 192.0.2.$",
           "$GENERATE 1-2 a${-2} A 192.0.2.$",
       }) {
    EXPECT_THAT(read(text), failed_with(Code::kUnprocessable)) << text;
    EXPECT_EQ(errors.size(), 1U) << text;
    EXPECT_THAT(lines, IsEmpty()) << text;
  }
}

TEST_F(Generate, FirstErrorNamesTheNumberAndEndsIt) {
  EXPECT_THAT(read("\n$GENERATE 254-258 a$ A 192.0.2.$\n"), failed_with(Code::kUnprocessable));
  EXPECT_THAT(errors, ElementsAre(HasSubstr("zone:2:24: for 256: A: the address \"192.0.2.256\"")));
  EXPECT_EQ(lines.size(), 2U);
}

TEST_F(Generate, MakesARecordForEachNumber) {
  EXPECT_THAT(read("$GENERATE 1-3 host-$ 60 IN A 192.0.2.$\n$generate 0-20/10 $ PTR host$.@\n"),
              ok());
  EXPECT_THAT(
      lines, ElementsAre("host-1.example.org. 60 A 192.0.2.1", "host-2.example.org. 60 A 192.0.2.2",
                         "host-3.example.org. 60 A 192.0.2.3",
                         "0.example.org. 300 PTR host0.\\@.example.org.",
                         "10.example.org. 300 PTR host10.\\@.example.org.",
                         "20.example.org. 300 PTR host20.\\@.example.org."));
}

TEST_F(Generate, FormatsHaveOffsetWidthAndBase) {
  EXPECT_THAT(read("$GENERATE 10-10 a${0,3}-${-9}-${5,0,d}-${0,4,x}-${1,0,X}-${0,0,o} CNAME "
                   "${0,7,n}.${0,0,N}.$$\\$\n"),
              ok());
  EXPECT_THAT(lines, ElementsAre("a010-1-15-000a-B-12.example.org. 300 CNAME "
                                 "a.0.0.0.A.\\$\\$.example.org."));
}

// The first two are examples of BIND's manual.
TEST_F(Generate, QuotedDataAreALineUnlessTheTypeIsText) {
  EXPECT_THAT(read("$GENERATE 1-1 HOST-$ A 1.2.3.$\n"
                   "$GENERATE 1-1 HOST-$ MX \"0 .\"\n"
                   "$GENERATE 1-1 HOST-$ MX 0 m$.\n"
                   "$GENERATE 1-1 HOST-$ TXT \"a $; b\"\n"
                   "$GENERATE 1-1 HOST-$ HINFO \"a $\" b\n"),
              ok());
  EXPECT_THAT(
      lines,
      ElementsAre("HOST-1.example.org. 300 A 1.2.3.1", "HOST-1.example.org. 300 MX 0 .",
                  "HOST-1.example.org. 300 MX 0 m1.", "HOST-1.example.org. 300 TXT \"a 1; b\"",
                  "HOST-1.example.org. 300 HINFO \"a 1\" \"b\""));
}

TEST_F(Generate, HasALimitThatTheCallerSets) {
  options.generate_max = 2;
  EXPECT_THAT(read("$GENERATE 1-2 a$ A 192.0.2.$\n"), ok());
  EXPECT_THAT(read("$GENERATE 1-3 a$ A 192.0.2.$\n"),
              failed_saying(Code::kUnprocessable, "stands for 3 records, at most 2"));
}

}  // namespace
}  // namespace mcns
