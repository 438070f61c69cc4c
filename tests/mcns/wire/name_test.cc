#include "mcns/wire/name.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire_fixture.h"

namespace mcns {

void PrintTo(const Name& name, std::ostream* out) { *out << name.text(); }

namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using test::name;
using test::octets;

const std::string kLabel63(63, 'a');

TEST(NameText, WhatIsNoNameIsRefused) {
  for (const std::string& text :
       {std::string(), std::string(".."), std::string(".a"), std::string("a..b"),
        std::string("a.."), std::string("a\\"), std::string("\\1"), std::string("\\12"),
        std::string("\\1a2"), std::string("\\256"), kLabel63 + "a"}) {
    EXPECT_THAT(Name::parse(text), failed_with(Code::kInvalidArgument)) << text;
  }
}

TEST(NameText, ErrorsNameTheLimit) {
  EXPECT_THAT(Name::parse("x." + kLabel63 + "a"),
              failed_saying(Code::kInvalidArgument, "a DNS label holds at most 63"));
  EXPECT_THAT(Name::parse("a..b"), failed_saying(Code::kInvalidArgument, "empty label"));
}

// RFC 1035 section 2.3.4: 255 octets, of which one is the root's.
TEST(NameText, HasAtMost255Octets) {
  const std::string three = kLabel63 + "." + kLabel63 + "." + kLabel63 + ".";

  EXPECT_THAT(Name::parse(three + std::string(61, 'b')), ok());
  EXPECT_EQ(require_ok(Name::parse(three + std::string(61, 'b'))).size(), 255U);
  EXPECT_THAT(Name::parse(three + std::string(62, 'b')),
              failed_saying(Code::kInvalidArgument, "a DNS name holds at most 255"));
  const Name origin = name("c.");
  EXPECT_THAT(Name::parse(three + std::string(60, 'b'), &origin),
              failed_with(Code::kInvalidArgument));
}

TEST(NameText, IsReadWithAndWithoutOrigin) {
  const Name origin = name("example.test.");

  EXPECT_EQ(name("www.example.test.").wire(), octets("\3www\7example\4test\0"));
  EXPECT_EQ(name("www.example.test"), name("www.example.test."));
  EXPECT_EQ(require_ok(Name::parse("www", &origin)), name("www.example.test."));
  EXPECT_EQ(require_ok(Name::parse("www.", &origin)), name("www."));
  EXPECT_EQ(require_ok(Name::parse("@", &origin)), origin);
  EXPECT_EQ(require_ok(Name::parse(".", &origin)), Name());
  EXPECT_EQ(require_ok(Name::parse("\\@", &origin)).first_label(), "@");
  EXPECT_EQ(name(".").wire(), octets("\0"));
}

// RFC 4343 section 2.1, RFC 1035 section 5.1.
TEST(NameText, EscapesWhatIsNotPlain) {
  EXPECT_EQ(name("a\\.b.c").first_label(), "a.b");
  EXPECT_EQ(name("a\\046b.c").first_label(), "a.b");
  EXPECT_EQ(name("\\000\\255.c").first_label(), octets("\0\xff"));
  EXPECT_EQ(name("a\\.b.c").text(), "a\\.b.c.");
  EXPECT_EQ(name("\\000 \\255\\\\\\;\\(\\)\\\"\\@\\$.").text(),
            "\\000\\032\\255\\\\\\;\\(\\)\\\"\\@\\$.");
  EXPECT_EQ(Name().text(), ".");
}

TEST(NameText, BelowAnOriginIsRelative) {
  const Name origin = name("Example.test.");

  EXPECT_EQ(name("www.eXample.test.").text_below(origin), "www");
  EXPECT_EQ(name("example.test.").text_below(origin), "@");
  EXPECT_EQ(name("\\@.example.test.").text_below(origin), "\\@");
  EXPECT_EQ(name("notexample.test.").text_below(origin), "notexample.test.");
  EXPECT_EQ(name("test.").text_below(origin), "test.");
  EXPECT_EQ(name("www.test.").text_below(Name()), "www.test");
  EXPECT_EQ(Name().text_below(Name()), "@");
}

TEST(NameText, KeepsTheCase) { EXPECT_EQ(name("WwW.Example.").text(), "WwW.Example."); }

TEST(NameWire, OnlyOneWholeUncompressedNameIsOne) {
  for (const Bytes& wire : {Bytes(), octets("\3www"), octets("\3ww"), octets("\0\0"),
                            octets("\3www\0x"), octets("\xc0\x0c"),
                            octets("\x40"
                                   "a\0"),
                            Bytes(256, '\1')}) {
    EXPECT_THAT(Name::from_wire(wire), failed_with(Code::kInvalidArgument));
  }
  EXPECT_EQ(require_ok(Name::from_wire(octets("\3www\0"))), name("www."));
}

TEST(NameWire, HasAtMost255Octets) {
  Bytes wire;
  for (int i = 0; i < 127; ++i) {
    wire += octets("\1a");
  }
  EXPECT_THAT(Name::from_wire(wire + '\0'), ok());
  EXPECT_THAT(Name::from_wire(octets("\1a") + wire + '\0'), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(Name::from_wire(octets("\2aa") + wire.substr(2) + '\0'),
              failed_with(Code::kInvalidArgument));
}

// RFC 4343 section 3: letters of ASCII only.
TEST(NameOrder, IgnoresTheCaseOfAsciiLettersOnly) {
  EXPECT_EQ(name("WWW.EXAMPLE."), name("www.example."));
  EXPECT_NE(name("\\196."), name("\\228."));
  EXPECT_NE(name("[."), name("{."));
  EXPECT_NE(name("@."), name("`."));
  EXPECT_EQ(name("WWW.Example.").lower(), octets("\3www\7example\0"));
}

TEST(NameOrder, LengthsAreNoLetters) {
  // A label of 65 octets would be "A", one of 97 "a"; none is that long, but the octets inside are.
  EXPECT_NE(name("a.b."), name("a\\.b."));
  EXPECT_NE(name("a\\001b."), name("a.b."));
}

// RFC 4034 section 6.1.
TEST(NameOrder, IsTheCanonicalOne) {
  const std::vector<Name> sorted = {
      name("example."),         name("a.example."),      name("yljkjljk.a.example."),
      name("Z.a.example."),     name("zABC.a.EXAMPLE."), name("z.example."),
      name("\\001.z.example."), name("*.z.example."),    name("\\200.z.example.")};
  std::vector<Name> shuffled = {sorted[4], sorted[8], sorted[0], sorted[6], sorted[2],
                                sorted[7], sorted[1], sorted[5], sorted[3]};

  std::sort(shuffled.begin(), shuffled.end());

  EXPECT_EQ(shuffled, sorted);
}

TEST(NameParts, AreLabels) {
  const Name www = name("www.Example.test.");

  EXPECT_EQ(www.label_count(), 3U);
  EXPECT_EQ(Name().label_count(), 0U);
  EXPECT_EQ(www.parent().text(), "Example.test.");
  EXPECT_EQ(Name().parent(), Name());
  EXPECT_EQ(www.suffix(0), Name());
  EXPECT_EQ(www.suffix(1), name("test."));
  EXPECT_EQ(www.suffix(3), www);
  EXPECT_EQ(www.suffix(9), www);
  EXPECT_EQ(www.first_label(), "www");
  EXPECT_EQ(Name().first_label(), "");
  EXPECT_TRUE(name("*.test.").is_wildcard());
  EXPECT_FALSE(name("*a.test.").is_wildcard());
  EXPECT_FALSE(name("a.*.test.").is_wildcard());
  EXPECT_TRUE(name("*.").is_wildcard());
  EXPECT_FALSE(Name().is_wildcard());
}

TEST(NameParts, BelowMeansAtALabel) {
  EXPECT_TRUE(name("www.example.test.").is_within(name("EXAMPLE.test.")));
  EXPECT_TRUE(name("example.test.").is_within(name("example.test.")));
  EXPECT_TRUE(name("example.test.").is_within(Name()));
  EXPECT_TRUE(Name().is_within(Name()));
  EXPECT_FALSE(name("myexample.test.").is_within(name("example.test.")));
  EXPECT_FALSE(name("test.").is_within(name("example.test.")));
  // The octets of an ancestor inside of a label.
  EXPECT_FALSE(name("a\\007example\\004test.").is_within(name("example.test.")));
}

TEST(NameParts, ChildIsOneLabelMore) {
  EXPECT_EQ(require_ok(name("test.").child("a.b")), name("a\\.b.test."));
  EXPECT_THAT(name("test.").child(""), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(name("test.").child(kLabel63 + "a"), failed_with(Code::kInvalidArgument));
  const Name deep = name(kLabel63 + "." + kLabel63 + "." + kLabel63 + ".");
  EXPECT_THAT(deep.child(std::string(61, 'b')), ok());
  EXPECT_THAT(deep.child(std::string(62, 'b')), failed_with(Code::kInvalidArgument));
}

// RFC 6672 section 2.2.
TEST(NameParts, SuffixIsReplacedUnlessTheNameGetsTooLong) {
  EXPECT_EQ(require_ok(name("www.Foo.old.test.").rebased(name("OLD.test."), name("new."))).text(),
            "www.Foo.new.");
  EXPECT_EQ(require_ok(name("old.test.").rebased(name("old.test."), Name())), Name());
  const Name deep = name(kLabel63 + "." + kLabel63 + "." + kLabel63 + ".");
  EXPECT_THAT(require_ok(deep.child(std::string(61, 'b'))).rebased(Name(), name("c.")),
              failed_with(Code::kTooLarge));
}

RC_GTEST_PROP(NameText, IsReadAsPrinted, ()) {
  const Name some = *test::names();
  const Name origin = *test::names(2);

  RC_ASSERT(require_ok(Name::parse(some.text())).wire() == some.wire());
  const Name below = require_ok(Name::parse(some.text_below(origin), &origin));
  RC_ASSERT(below.wire().size() == some.wire().size() && below == some);
}

RC_GTEST_PROP(NameOrder, AgreesWithEqualityAndAncestry, ()) {
  const Name a = *test::names(3);
  const Name b = *rc::gen::oneOf(
      test::names(3), rc::gen::map(rc::gen::just(a.wire()),
                                   [](Bytes wire) { return require_ok(Name::from_wire(wire)); }));

  RC_ASSERT(((a <=> b) == 0) == (a == b));
  RC_ASSERT(((a <=> b) < 0) == ((b <=> a) > 0));
  RC_ASSERT((a.lower() == b.lower()) == (a == b));
  if (a.is_within(b) && a != b) {
    RC_ASSERT(b < a);
  }
  RC_ASSERT(a.is_within(a.parent()));
}

}  // namespace
}  // namespace mcns
