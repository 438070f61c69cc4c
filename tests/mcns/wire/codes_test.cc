#include "mcns/wire/codes.h"

#include <gtest/gtest.h>

namespace mcns {
namespace {

TEST(TypeCodes, WhatIsNoTypeIsNone) {
  for (const char* text : {"", "B", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "TYPE 1", "1", "AA"}) {
    EXPECT_EQ(parse_type(text), std::nullopt) << text;
  }
}

// RFC 3597 section 5.
TEST(TypeCodes, AreNamedOrNumbered) {
  EXPECT_EQ(parse_type("aaaa"), Type::kAaaa);
  EXPECT_EQ(parse_type("NSEC3PARAM"), Type::kNsec3Param);
  EXPECT_EQ(parse_type("type1"), Type::kA);
  EXPECT_EQ(parse_type("alias"), Type::kAlias);
  EXPECT_EQ(parse_type("TYPE65401"), Type::kAlias);
  EXPECT_EQ(text(Type::kAlias), "ALIAS");
  EXPECT_EQ(parse_type("TYPE65280"), static_cast<Type>(65280));
  EXPECT_EQ(text(static_cast<Type>(65280)), "TYPE65280");
  EXPECT_EQ(text(Type::kHttps), "HTTPS");
}

TEST(TypeCodes, EveryNumberIsReadAsPrinted) {
  for (unsigned number = 0; number < 65536; ++number) {
    const auto type = static_cast<Type>(number);
    ASSERT_EQ(parse_type(text(type)), type) << number;
  }
}

TEST(RcodeCodes, EveryNumberIsReadAsPrinted) {
  for (unsigned number = 0; number < 4096; ++number) {
    const auto rcode = static_cast<Rcode>(number);
    ASSERT_EQ(parse_rcode(text(rcode)), rcode) << number;
  }
  EXPECT_EQ(text(Rcode::kNxDomain), "NXDOMAIN");
  EXPECT_EQ(text(static_cast<Rcode>(15)), "RCODE15");
  EXPECT_EQ(parse_rcode("nxdomain"), Rcode::kNxDomain);
  EXPECT_EQ(parse_rcode("NX"), std::nullopt);
}

TEST(ClassCodes, AreNamedOrNumbered) {
  EXPECT_EQ(text(Class::kIn), "IN");
  EXPECT_EQ(text(Class::kCh), "CH");
  EXPECT_EQ(text(static_cast<Class>(32)), "CLASS32");
}

}  // namespace
}  // namespace mcns
