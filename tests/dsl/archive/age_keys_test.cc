#include "dsl/archive/age_keys.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "dsl/archive/age_fixture.h"
#include "dsl/archive/bech32.h"
#include "support/result_matchers.h"
#include "support/seeded_random.h"

namespace dsl::archive {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

// The pair of the specification.
constexpr const char* kIdentity =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
constexpr const char* kRecipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

std::string shown(const Secret& secret) {
  return {reinterpret_cast<const char*>(secret.expose().data()), secret.size()};
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

TEST(AgeKeys, WhatIsNoKeyIsRefused) {
  std::string changed = kRecipient;
  changed[20] = changed[20] == 'q' ? 'p' : 'q';
  for (const std::string& text :
       {std::string(), std::string("age1"), std::string("age1qqqq"), changed,
        std::string(kRecipient).substr(0, 61), std::string(kRecipient) + "q",
        "A" + std::string(kRecipient).substr(1), std::string(kIdentity), lower_case(kIdentity),
        std::string(kRecipient) + "\n", std::string(10'000, 'q')}) {
    EXPECT_THAT(AgeRecipient::parse(text), failed_with(Code::kInvalidArgument)) << text;
  }
  EXPECT_THAT(AgeIdentity::parse(kRecipient), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(AgeIdentity::parse(lower_case(kIdentity)), failed_with(Code::kInvalidArgument));
}

TEST(AgeKeys, OtherKindsAreNamedAsSuch) {
  for (const char* text : {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "age1yubikey1qwertyuiop",
                           "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkju"}) {
    EXPECT_THAT(AgeRecipient::parse(text), failed_with(Code::kUnimplemented)) << text;
  }
  for (const char* text : {"AGE-PLUGIN-YUBIKEY-1QQPQ", "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0"}) {
    EXPECT_THAT(AgeIdentity::parse(text), failed_with(Code::kUnimplemented)) << text;
  }
}

TEST(AgeKeys, ErrorsDoNotQuoteAnIdentity) {
  std::string changed = kIdentity;
  changed[30] = changed[30] == 'Q' ? 'P' : 'Q';

  const auto one = AgeIdentity::parse(changed);
  const auto file = parse_identities("# mine\n\n" + changed + "\n");

  ASSERT_THAT(one, failed_with(Code::kInvalidArgument));
  EXPECT_EQ(one.error().render().find(changed.substr(20, 8)), std::string::npos);
  ASSERT_THAT(file, failed_saying(Code::kInvalidArgument, "line 3"));
  EXPECT_EQ(file.error().render().find(changed.substr(20, 8)), std::string::npos);
}

TEST(AgeKeys, PairOfTheSpecificationBelongsTogether) {
  const AgeIdentity identity = require_ok(AgeIdentity::parse(kIdentity));

  EXPECT_EQ(identity.recipient().to_text(), kRecipient);
  EXPECT_EQ(identity.recipient(), require_ok(AgeRecipient::parse(kRecipient)));
  EXPECT_EQ(shown(identity.to_text()), kIdentity);
  EXPECT_FALSE(identity.is_passphrase());
}

TEST(AgeKeys, FilesHaveCommentsAndEmptyLines) {
  const std::string other = Keys(2).recipients[0].to_text();

  const auto recipients =
      require_ok(parse_recipients(text("# ours\n{}\r\n\n  \n  {} \n", kRecipient, other)));
  const auto identities = require_ok(parse_identities(text("# created: today\n{}", kIdentity)));

  ASSERT_EQ(recipients.size(), 2U);
  EXPECT_EQ(recipients[0].to_text(), kRecipient);
  EXPECT_EQ(recipients[1].to_text(), other);
  ASSERT_EQ(identities.size(), 1U);
  EXPECT_EQ(identities[0].recipient().to_text(), kRecipient);
}

TEST(AgeKeys, FileWithoutKeysOrWithTooManyIsRefused) {
  std::string many;
  for (std::size_t i = 0; i <= kAgeKeysMax; ++i) {
    many += text("{}\n", kRecipient);
  }

  EXPECT_THAT(parse_recipients(""), failed_saying(Code::kInvalidArgument, "no key"));
  EXPECT_THAT(parse_identities("# nothing\n"), failed_saying(Code::kInvalidArgument, "no key"));
  EXPECT_THAT(parse_recipients(text("{}\nage1x\n", kRecipient)),
              failed_saying(Code::kInvalidArgument, "line 2"));
  EXPECT_THAT(parse_recipients(many), failed_saying(Code::kInvalidArgument, "line 257"));
}

// BIP 173, "Test vectors".
TEST(Bech32, AcceptsWhatTheStandardDoes) {
  for (const char* text : {"A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
                           "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedc"
                           "haractersbio1tt5tgs",
                           "?1ezyfcl"}) {
    EXPECT_THAT(bech32_decode(text), ok()) << text;
  }
}

TEST(Bech32, RefusesWhatTheStandardDoes) {
  for (const char* text : {"\x20"
                           "1nwldj5",
                           "\x7f"
                           "1axkwrx",
                           "\x80"
                           "1eym55h",
                           "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "de1lg7wt\xff",
                           "A1G7SGD8", "10a06t8", "1qzzfhee", "A12UeL5l", "a12uel5m"}) {
    EXPECT_THAT(bech32_decode(text), failed_with(Code::kInvalidArgument)) << text;
  }
}

RC_GTEST_PROP(Bech32, IsReadAsWrittenAndNoLetterOtherwise, ()) {
  const auto bytes = *rc::gen::resize(60, rc::gen::arbitrary<std::string>());
  const std::string text = shown(bech32_encode("age", bytes_of(bytes)));
  const auto at = *rc::gen::inRange<std::size_t>(4, text.size());
  const char letter = *rc::gen::elementOf(std::string("qpzry9x8gf2tvdw0s3jn54khce6mua7l"));

  const Bech32 read = require_ok(bech32_decode(text));
  RC_ASSERT(read.prefix == "age");
  RC_ASSERT(shown(read.bytes) == bytes);

  std::string changed = text;
  changed[at] = letter;
  RC_ASSERT(bech32_decode(changed).has_value() == (letter == text[at]));
}

}  // namespace
}  // namespace dsl::archive
