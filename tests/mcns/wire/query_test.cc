#include "mcns/wire/query.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire_fixture.h"

namespace mcns {
namespace {

using test::header;
using test::name;
using test::octets;
using test::two;

const Bytes kQuestion = octets("\3wWw\7example\0\0\x1c\0\1");  // AAAA IN

Bytes opt(unsigned size, unsigned ttl_high, unsigned ttl_low, const Bytes& options = "") {
  return octets("\0") + two(41) + two(size) + two(ttl_high) + two(ttl_low) +
         two(static_cast<unsigned>(options.size())) + options;
}

ParseResult parse(const Bytes& packet) {
  Query query;
  return parse_query(packet, query);
}

TEST(Query, ShorterThanAHeaderOrAResponseIsDropped) {
  EXPECT_EQ(parse(""), ParseResult::kDrop);
  EXPECT_EQ(parse(header(1, 0, 1).substr(1)), ParseResult::kDrop);
  EXPECT_EQ(parse(header(1, 0x8000, 1) + kQuestion), ParseResult::kDrop);
}

// RFC 9619.
TEST(Query, AnyOtherNumberOfQuestionsThanOneIsMalformed) {
  EXPECT_EQ(parse(header(1, 0, 0)), ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 2) + kQuestion + kQuestion), ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 65535) + kQuestion), ParseResult::kFormErr);
}

TEST(Query, UnknownOpcodesAreNotImplemented) {
  for (const unsigned opcode : {1U, 2U, 3U, 6U, 15U}) {
    Query query;
    EXPECT_EQ(parse_query(header(77, opcode << 11U, 1) + kQuestion, query), ParseResult::kNotImp);
    EXPECT_EQ(query.id, 77);
    EXPECT_EQ(query.opcode, static_cast<Opcode>(opcode));
    EXPECT_EQ(query.question_size, 0U);
  }
}

TEST(Query, TheQuestionIsReadWhateverIsMissingBehindIt) {
  const Bytes packet = header(1, 0, 1, 0, 0, 1) + kQuestion;
  Query query;
  ASSERT_TRUE(read_question(packet, query));
  EXPECT_EQ(query.type, Type::kAaaa);
  EXPECT_EQ(query.question_size, kQuestion.size());
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(read_question(std::string_view(packet).substr(0, size), query)) << size;
  }
  EXPECT_FALSE(read_question(header(1, 0, 0), query));
}

TEST(Query, CutShortAnywhereIsMalformed) {
  const Bytes packet =
      header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0, octets("\0\x0a\0\2ab"));

  for (std::size_t size = kHeaderSize; size < packet.size(); ++size) {
    EXPECT_EQ(parse(packet.substr(0, size)), ParseResult::kFormErr) << size;
  }
  EXPECT_EQ(parse(packet), ParseResult::kOk);
}

TEST(Query, TrailingOctetsAreMalformed) {
  EXPECT_EQ(parse(header(1, 0, 1) + kQuestion + "x"), ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0) + "x"),
            ParseResult::kFormErr);
}

TEST(Query, CompressedOrBadNameIsMalformed) {
  EXPECT_EQ(parse(header(1, 0, 1) + octets("\xc0\x0c\0\1\0\1")), ParseResult::kFormErr);  // loop
  EXPECT_EQ(parse(header(1, 0, 1) + octets("\xc0\x20\0\1\0\1")), ParseResult::kFormErr);  // forward
  EXPECT_EQ(parse(header(1, 0, 1) + octets("\x40"
                                           "a\0\0\1\0\1")),
            ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 1) + octets("\x80"
                                           "a\0\0\1\0\1")),
            ParseResult::kFormErr);
  Bytes too_long;
  for (int i = 0; i < 128; ++i) {
    too_long += octets("\1a");
  }
  EXPECT_EQ(parse(header(1, 0, 1) + too_long + octets("\0\0\1\0\1")), ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 1) + too_long.substr(2) + octets("\0\0\1\0\1")), ParseResult::kOk);
}

// RFC 6891 section 6.1.1.
TEST(Query, TwoOptRecordsOrOneThatIsOutOfPlaceAreMalformed) {
  EXPECT_EQ(parse(header(1, 0, 1, 0, 0, 2) + kQuestion + opt(1232, 0, 0) + opt(1232, 0, 0)),
            ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 1, 1, 0, 0) + kQuestion + opt(1232, 0, 0)), ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 1, 0, 1, 0) + kQuestion + opt(1232, 0, 0)), ParseResult::kFormErr);
  EXPECT_EQ(parse(header(1, 0, 1, 0, 0, 1) + kQuestion + octets("\1a") + opt(1232, 0, 0)),
            ParseResult::kFormErr);
}

TEST(Query, OptionsHaveToFitTheirRecord) {
  for (const Bytes& options : {octets("\0"), octets("\0\x0a\0"), octets("\0\x0a\0\5abcd")}) {
    EXPECT_EQ(parse(header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0, options)),
              ParseResult::kFormErr);
  }
}

TEST(Query, MalformedOnesLeaveNothingBehindButTheHeader) {
  Query query;
  const Bytes packet =
      header(7, 0x0100, 1, 0, 0, 2) + kQuestion + opt(4096, 0, 0x8000) + opt(1, 0, 0);

  EXPECT_EQ(parse_query(packet, query), ParseResult::kFormErr);

  EXPECT_EQ(query.id, 7);
  EXPECT_TRUE(query.recursion_desired());
  EXPECT_FALSE(query.edns.present);
  EXPECT_EQ(query.question_size, 0U);
}

TEST(Query, IsReadInPlace) {
  const Bytes packet = header(0xabcd, 0x0130, 1) + kQuestion;
  Query query;

  ASSERT_EQ(parse_query(packet, query), ParseResult::kOk);

  EXPECT_EQ(query.id, 0xabcd);
  EXPECT_EQ(query.opcode, Opcode::kQuery);
  EXPECT_TRUE(query.recursion_desired());
  EXPECT_TRUE(query.checking_disabled());
  EXPECT_TRUE(query.authentic_data());
  EXPECT_EQ(query.type, Type::kAaaa);
  EXPECT_EQ(query.dns_class, Class::kIn);
  EXPECT_EQ(query.question_size, kQuestion.size());
  EXPECT_EQ(query.name.wire.data(), packet.data() + kHeaderSize);
  EXPECT_EQ(query.name.wire, octets("\3wWw\7example\0"));
  EXPECT_EQ(query.name.labels, 2);
  EXPECT_EQ(query.name.suffix(2), octets("\3wWw\7example\0"));
  EXPECT_EQ(query.name.suffix(1), octets("\7example\0"));
  EXPECT_EQ(query.name.suffix(0), octets("\0"));
  EXPECT_FALSE(query.edns.present);
  EXPECT_EQ(query.edns.udp_size, 512);
}

TEST(Query, EdnsIsRead) {
  Query query;
  const Bytes options = octets(
      "\0\x0a\0\x08"
      "12345678"
      "\xfd\xe9\0\0"
      "\0\3\0\0");

  ASSERT_EQ(
      parse_query(header(1, 0, 1, 0, 0, 1) + kQuestion + opt(4096, 0x0001, 0x8000, options), query),
      ParseResult::kOk);

  EXPECT_TRUE(query.edns.present);
  EXPECT_EQ(query.edns.udp_size, 4096);
  EXPECT_EQ(query.edns.version, 1);
  EXPECT_TRUE(query.edns.dnssec_ok);
  EXPECT_TRUE(query.edns.nsid);
}

TEST(Query, CookieAndOptionsReferIntoThePacket) {
  const Bytes options = octets(
      "\0\x0a\0\x08"
      "12345678");
  const Bytes packet = header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0, options);
  Query query;

  ASSERT_EQ(parse_query(packet, query), ParseResult::kOk);

  EXPECT_EQ(query.edns.cookie, "12345678");
  EXPECT_EQ(query.edns.options, options);
  EXPECT_FALSE(query.edns.dnssec_ok);
  EXPECT_FALSE(query.edns.nsid);
}

TEST(Query, AnEmptyCookieIsOneToo) {
  Query query;

  ASSERT_EQ(
      parse_query(header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0, octets("\0\x0a\0\0")),
                  query),
      ParseResult::kOk);
  EXPECT_TRUE(query.edns.has_cookie);
  EXPECT_EQ(query.edns.cookie, "");

  ASSERT_EQ(parse_query(header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0), query),
            ParseResult::kOk);
  EXPECT_FALSE(query.edns.has_cookie);
}

TEST(Query, OfSeveralCookiesTheFirstCounts) {
  const Bytes options = octets("\0\x0a\0\0\0\x0a\0\x01x");
  Query query;

  ASSERT_EQ(parse_query(header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0, options), query),
            ParseResult::kOk);
  EXPECT_EQ(query.edns.cookie, "");
}

TEST(Query, KeepaliveAndZoneVersionAreAskedFor) {
  Query query;

  ASSERT_EQ(parse_query(header(1, 0, 1, 0, 0, 1) + kQuestion +
                            opt(1232, 0, 0, octets("\0\x0b\0\0\0\x13\0\0")),
                        query),
            ParseResult::kOk);
  EXPECT_TRUE(query.edns.keepalive);
  EXPECT_TRUE(query.edns.zone_version);

  EXPECT_EQ(
      parse_query(header(1, 0, 1, 0, 0, 1) + kQuestion + opt(1232, 0, 0, octets("\0\x13\0\x01x")),
                  query),
      ParseResult::kFormErr);
}

// RFC 7873 section 5.4.
TEST(Query, WithoutAQuestionOnlyACookieMayBeAskedFor) {
  const Bytes cookie = opt(1232, 0, 0,
                           octets("\0\x0a\0\x08"
                                  "12345678"));
  const Bytes packet = header(1, 0, 0, 0, 0, 1) + cookie;
  Query query;

  ASSERT_EQ(parse_query(packet, query), ParseResult::kCookieOnly);
  EXPECT_EQ(query.edns.cookie, "12345678");
  EXPECT_EQ(query.question_size, 0U);
  EXPECT_EQ(query.name.wire, "");

  EXPECT_EQ(parse_query(header(1, 0, 0, 0, 0, 1) + opt(1232, 0, 0), query), ParseResult::kFormErr);
  EXPECT_FALSE(query.edns.present);
  EXPECT_EQ(parse_query(header(1, 0, 0, 0, 0, 0), query), ParseResult::kFormErr);
  EXPECT_EQ(parse_query(header(1, 4U << 11U, 0, 0, 0, 1) + cookie, query), ParseResult::kFormErr);
}

TEST(Query, OtherRecordsThanOptAreSkipped) {
  const Bytes soa = octets("\xc0\x0c\0\6\0\1\0\0\0\0\0\4abcd");
  Query query;

  ASSERT_EQ(parse_query(header(1, 0, 1, 0, 1, 1) + kQuestion + soa + opt(1232, 0, 0), query),
            ParseResult::kOk);

  EXPECT_TRUE(query.edns.present);
}

TEST(Query, OfAnUpdateOnlyTheZoneIsRead) {
  Query query;

  EXPECT_EQ(parse_query(header(1, 5U << 11U, 1, 3, 3, 3) + kQuestion + "whatever", query),
            ParseResult::kOk);

  EXPECT_EQ(query.opcode, Opcode::kUpdate);
  EXPECT_EQ(query.question_size, kQuestion.size());
}

TEST(SuffixHash, OfTheRootIsOne) {
  QueryName root;

  const Bytes packet = octets("\0rest");
  ASSERT_EQ(read_query_name(packet, root), 1U);

  EXPECT_EQ(root.labels, 0);
  EXPECT_EQ(root.suffix_hash[0], suffix_hash(octets("\0")));
}

TEST(SuffixHash, TellsLabelsApart) {
  const auto hash = [](const char* text) { return suffix_hash(name(text).wire()); };
  EXPECT_NE(hash("ab.c."), hash("a.bc."));
  EXPECT_NE(hash("a.b."), hash("a\\.b."));
  EXPECT_NE(hash("a."), hash("a\\000."));
  EXPECT_NE(hash("aaaaaaa."), hash("aaaaaaa\\000."));
  EXPECT_NE(hash("a.b."), hash("b.a."));
}

RC_GTEST_PROP(SuffixHash, IsTheSameInAnyCaseAndForNamesOfOurs, ()) {
  const Name ours = *test::names(8);
  const Bytes asked = test::other_case(ours.wire());
  const Bytes packet = asked + "more";
  QueryName query;

  RC_ASSERT(read_query_name(packet, query) == asked.size());

  RC_ASSERT(query.wire == asked);
  RC_ASSERT(query.labels == ours.label_count());
  for (std::size_t labels = 0; labels <= query.labels; ++labels) {
    RC_ASSERT(query.suffix_hash[labels] == suffix_hash(ours.suffix(labels).wire()));
    RC_ASSERT(equal_ignoring_case(query.suffix(labels), ours.suffix(labels).wire()));
  }
  if (!ours.is_root()) {
    const Bytes label = ours.wire().substr(0, 1 + ours.first_label().size());
    RC_ASSERT(child_hash(suffix_hash(ours.parent().wire()), label) == suffix_hash(ours.wire()));
  }
}

RC_GTEST_PROP(SuffixHash, DiffersWhereNamesDo, ()) {
  const Name a = *test::names(4);
  const Name b = *test::names(4);

  RC_ASSERT((suffix_hash(a.wire()) == suffix_hash(b.wire())) == (a == b));
}

}  // namespace
}  // namespace mcns
