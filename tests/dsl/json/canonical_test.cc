#include "dsl/json/canonical.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace {

using dsl::json::canonical;

std::string canonical_of(const boost::json::value& value) {
  auto text = canonical(value);
  return text ? *text : text.error().message();
}

TEST(Canonical, RefusesIllFormedUtf8) {
  for (const char* text : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF"}) {
    const auto result = canonical(boost::json::value(text));

    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), dsl::Code::kInvalidArgument);
  }
}

TEST(Canonical, RefusesIntegersThatAreNotExactEverywhere) {
  EXPECT_FALSE(canonical(boost::json::value(std::int64_t{1} << 53)));
  EXPECT_FALSE(canonical(boost::json::value(std::numeric_limits<std::int64_t>::min())));
  EXPECT_FALSE(canonical(boost::json::value(std::numeric_limits<std::uint64_t>::max())));
  EXPECT_EQ(canonical_of((std::int64_t{1} << 53) - 1), "9007199254740991");
}

TEST(Canonical, RefusesNumbersWithoutJsonForm) {
  EXPECT_FALSE(canonical(boost::json::value(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_FALSE(canonical(boost::json::value(std::numeric_limits<double>::infinity())));
}

TEST(Canonical, RefusesEndlessNesting) {
  boost::json::value value(1);
  for (int i = 0; i < 100; ++i) {
    value = boost::json::array{std::move(value)};
  }

  const auto result = canonical(value);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), dsl::Code::kTooLarge);
}

// RFC 8785 section 3.2.3, the example of sorting.
TEST(Canonical, SortsMembersByUtf16CodeUnits) {
  const boost::json::value value{{"\xE2\x82\xAC", "Euro Sign"},
                                 {"\r", "Carriage Return"},
                                 {"\xEF\xAC\xB3", "Hebrew Letter Dalet With Dagesh"},
                                 {"1", "One"},
                                 {"\xF0\x9F\x98\x80", "Emoji: Grinning Face"},
                                 {"\xC2\x80", "Control"},
                                 {"\xC3\xB6", "Latin Small Letter O With Diaeresis"}};

  EXPECT_EQ(canonical_of(value),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\","
            "\"\xC3\xB6\":\"Latin Small Letter O With Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\","
            "\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\","
            "\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

// RFC 8785 section 3.2.2: strings and literals.
TEST(Canonical, EscapesOnlyWhatMustBe) {
  const std::string text("\xE2\x82\xAC$\x0F\nA'\x42\"\\\\\"/\x7F\0", 16);

  EXPECT_EQ(canonical_of(boost::json::value(text)),
            "\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\x7F\\u0000\"");
  EXPECT_EQ(canonical_of(boost::json::value{nullptr, true, false}), "[null,true,false]");
}

// RFC 8785 appendix B.
TEST(Canonical, PrintsNumbersAsEcmaScriptDoes) {
  struct Case {
    std::uint64_t bits;
    const char* text;
  };
  const Case cases[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const Case& c : cases) {
    double number = 0;
    static_assert(sizeof(number) == sizeof(c.bits));
    std::memcpy(&number, &c.bits, sizeof(number));

    EXPECT_EQ(canonical_of(number), c.text);
  }
}

}  // namespace
