#include "dsl/config/units.h"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace dsl::config {
namespace {

using std::chrono::milliseconds;

TEST(Duration, WrongNotationIsRefusedWithAHint) {
  for (const char* wrong : {"", "30", "s", "30 s", "-5s", "1.5s", "5x", "5S", "1m1h", "1s1s",
                            "1h30", "99999999999999999999s", "999999999999999d", "00"}) {
    const auto parsed = parse_duration(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().code(), Code::kInvalidArgument);
    EXPECT_NE(parsed.error().hint(), "");
  }
  EXPECT_EQ(parse_duration("30").error().message(), "\"30\" is not a duration: a unit is missing");
  EXPECT_EQ(parse_duration("5x").error().message(),
            "\"5x\" is not a duration: there is no unit \"x\"");
}

TEST(Duration, ParsesEachUnitAndTheirSums) {
  EXPECT_EQ(*parse_duration("0"), milliseconds{0});
  EXPECT_EQ(*parse_duration("50ms"), milliseconds{50});
  EXPECT_EQ(*parse_duration("30s"), milliseconds{30'000});
  EXPECT_EQ(*parse_duration("5m"), milliseconds{300'000});
  EXPECT_EQ(*parse_duration("1h30m"), milliseconds{5'400'000});
  EXPECT_EQ(*parse_duration("2d"), milliseconds{172'800'000});
  EXPECT_EQ(*parse_duration("90s"), milliseconds{90'000});
}

TEST(Duration, FormatUsesTheLargestUnits) {
  EXPECT_EQ(format_duration(milliseconds{0}), "0s");
  EXPECT_EQ(format_duration(milliseconds{5'400'000}), "1h30m");
  EXPECT_EQ(format_duration(milliseconds{250}), "250ms");
  EXPECT_EQ(format_duration(milliseconds{90'061'001}), "1d1h1m1s1ms");
  EXPECT_EQ(format_duration(milliseconds{-1500}), "-1s500ms");
  EXPECT_EQ(format_duration(milliseconds::min()).front(), '-');
}

RC_GTEST_PROP(Duration, FormatAndParseAreInverse, ()) {
  const auto count = *rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max());

  RC_ASSERT(*parse_duration(format_duration(milliseconds{count})) == milliseconds{count});
}

TEST(Size, WrongNotationIsRefusedWithAHint) {
  for (const char* wrong : {"", "MiB", "-1", "1.5MiB", "64 KiB", "64kb", "1KiB2", "17179869184TiB",
                            "99999999999999999999"}) {
    const auto parsed = parse_size(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_NE(parsed.error().hint(), "");
  }
  EXPECT_EQ(parse_size("64kb").error().message(),
            "\"64kb\" is not a size: there is no unit \"kb\"");
  EXPECT_EQ(parse_size("99999999999999999999").error().message(),
            "\"99999999999999999999\" is not a size: it is too large");
}

TEST(Size, ParsesPlainBinaryAndDecimalUnits) {
  EXPECT_EQ(*parse_size("512"), 512u);
  EXPECT_EQ(*parse_size("512B"), 512u);
  EXPECT_EQ(*parse_size("64KiB"), 65'536u);
  EXPECT_EQ(*parse_size("10GiB"), 10'737'418'240u);
  EXPECT_EQ(*parse_size("5MB"), 5'000'000u);
}

TEST(Size, FormatIsExact) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1025), "1025");
  EXPECT_EQ(format_size(65'536), "64KiB");
  EXPECT_EQ(format_size(5'000'000'000), "5GB");
}

RC_GTEST_PROP(Size, FormatAndParseAreInverse, ()) {
  const auto base = *rc::gen::inRange<std::uint64_t>(0, 4096);
  const auto factor =
      *rc::gen::element<std::uint64_t>(1, 1000, 1024, 1'000'000, 1u << 20, 1ull << 40);
  const auto any = *rc::gen::arbitrary<std::uint64_t>();

  RC_ASSERT(*parse_size(format_size(base * factor)) == base * factor);
  RC_ASSERT(*parse_size(format_size(any)) == any);
}

TEST(HostPort, WrongNotationIsRefusedWithAHint) {
  for (const char* wrong :
       {"", "example.test", "host:", "host:70000", "host:+1", "host: 1", "::1:80", "[::1]",
        "[::1]80", "[1.2.3.4]:80", "ho st:80", "host/x:80", "host:80x", "host:-1"}) {
    const auto parsed = parse_host_port(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_NE(parsed.error().hint(), "");
  }
}

TEST(HostPort, ParsesNamesAndBothAddressFamilies) {
  EXPECT_EQ(parse_host_port("example.test:8443")->host, "example.test");
  EXPECT_EQ(parse_host_port("127.0.0.1:0")->port, 0);
  EXPECT_EQ(parse_host_port("[::1]:65535")->host, "::1");
  EXPECT_EQ(parse_host_port("[::1]:65535")->port, 65535);
  EXPECT_EQ(parse_host_port(":80")->host, "");
}

TEST(Address, OnlyLiteralsCount) {
  EXPECT_FALSE(is_address(""));
  EXPECT_FALSE(is_address("example.test"));
  EXPECT_FALSE(is_address("[::1]"));
  EXPECT_FALSE(is_address("1.2.3"));
  EXPECT_FALSE(is_address(std::string_view("::1\0x", 5)));
  EXPECT_TRUE(is_address("192.0.2.1"));
  EXPECT_TRUE(is_address("2001:db8::1"));
}

}  // namespace
}  // namespace dsl::config
