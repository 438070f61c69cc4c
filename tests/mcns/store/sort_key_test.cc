#include "mcns/store/sort_key.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "support/result_matchers.h"

namespace mcns::store {
namespace {

using dsl::test::require_ok;

Name name(std::string_view text) { return require_ok(Name::parse(text)); }

TEST(SortKey, ApexIsEmpty) {
  EXPECT_EQ(sort_key(name("Example.test."), name("example.test.")), "");
}

TEST(SortKey, HoldsLabelsFromTheRightInLowerCase) {
  EXPECT_EQ(sort_key(name("_sip._TCP.Example.test."), name("example.test.")),
            Bytes("_tcp\0_sip", 9));
}

TEST(SortKey, RootAsOriginKeepsEveryLabel) {
  EXPECT_EQ(sort_key(name("www.example."), Name()), Bytes("example\0www", 11));
}

// The example of RFC 4034 section 6.1.
TEST(SortKey, HasTheCanonicalOrderOfTheRfc) {
  const Name origin = name("example.");
  const std::vector<const char*> sorted = {
      "example.",   "a.example.",       "yljkjljk.a.example.", "Z.a.example.",    "zABC.a.EXAMPLE.",
      "z.example.", "\\001.z.example.", "*.z.example.",        "\\200.z.example."};

  for (std::size_t i = 1; i < sorted.size(); ++i) {
    EXPECT_LT(sort_key(name(sorted[i - 1]), origin), sort_key(name(sorted[i]), origin))
        << sorted[i - 1] << " " << sorted[i];
  }
}

TEST(NameOf, RefusesWhatIsNoKey) {
  EXPECT_EQ(name_of(Bytes(64, 'a'), name("test.")), std::nullopt);
  EXPECT_EQ(name_of(Bytes("a\0\0b", 4), name("test.")), std::nullopt);
}

Name any_name(const Name& origin) {
  Name out = origin;
  const int labels = *rc::gen::inRange(0, 4);
  for (int i = 0; i < labels; ++i) {
    // Octets that are near each other, and those that are escaped.
    const auto label = *rc::gen::nonEmpty(
        rc::gen::container<std::string>(rc::gen::element('\0', '\1', '\2', 'a', 'B', 'b', '\xff')));
    out = require_ok(out.child(label.substr(0, 8)));
  }
  return out;
}

RC_GTEST_PROP(SortKeyProperty, OrdersAsNamesDo, ()) {
  const Name origin = name("example.test.");
  const Name a = any_name(origin);
  const Name b = any_name(origin);
  const Bytes left = sort_key(a, origin);
  const Bytes right = sort_key(b, origin);

  RC_ASSERT((left < right) == (a < b));
  RC_ASSERT((left == right) == (a == b));
}

RC_GTEST_PROP(SortKeyProperty, WhatLiesBelowBeginsWithTheKeyAndAZero, ()) {
  const Name origin = name("example.test.");
  const Name a = require_ok(any_name(origin).child("a"));
  const Name b = any_name(*rc::gen::element(a, origin));

  const Bytes prefix = sort_key(a, origin) + '\0';
  RC_ASSERT(sort_key(b, origin).starts_with(prefix) == (b.is_within(a) && b != a));
}

RC_GTEST_PROP(SortKeyProperty, GivesTheNameBack, ()) {
  const Name origin = name("example.test.");
  const Name a = any_name(origin);

  const auto back = name_of(sort_key(a, origin), origin);

  RC_ASSERT(back.has_value());
  RC_ASSERT(back->wire() == a.lower());
}

}  // namespace
}  // namespace mcns::store
