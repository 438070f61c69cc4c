#include "mcns/cookie/cookie.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "dsl/env/socket_address.h"
#include "mcns/cookie/jar.h"
#include "support/result_matchers.h"

namespace mcns::cookie {
namespace {

using dsl::env::AddressBits;

AddressBits address(const std::string& text) {
  const auto parsed = dsl::test::require_ok(dsl::env::parse_socket_address(text));
  return dsl::env::address_bits(parsed.raw());
}

std::string octets(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

std::string text(const ServerCookie& cookie) { return {cookie.begin(), cookie.end()}; }

// Of RFC 9018 appendix A.
const SipKey kSecret = SipKey::from(octets("e5e973e5a6b2a43f48e7dc849e37bfcf"));
const SipKey kOldSecret = SipKey::from(octets("dd3bdf9344b678b185a6f5cb60fca715"));
const SipKey kNewSecret = SipKey::from(octets("445536bcd2513298075a5d379663c962"));
const Secrets kSecrets{kSecret, kSecret};
const AddressBits kFirst = address("198.51.100.100:53");
const AddressBits kSecond = address("203.0.113.203:53");
const AddressBits kThird = address("[2001:db8:220:1:59de:d0f4:8769:82b8]:53");
const std::string kFirstCookie = octets("2464c4abcf10c957010000005cf79f111f8130c3eee29480");
constexpr std::uint32_t kFirstTime = 1559731985;

// Appendix A.1.
TEST(Cookie, ANewClientLearnsACookie) {
  const Checked checked = check(kSecrets, kFirstCookie.substr(0, 8), kFirst, kFirstTime);

  EXPECT_FALSE(checked.valid);
  EXPECT_EQ(text(checked.reply), kFirstCookie.substr(8));
}

// Appendix A.2: 40 minutes later.
TEST(Cookie, ACookieOfMoreThanHalfAnHourIsRenewed) {
  const Checked checked = check(kSecrets, kFirstCookie, kFirst, 1559734385);

  EXPECT_TRUE(checked.valid);
  EXPECT_EQ(text(checked.reply), octets("010000005cf7a871d4a564a1442aca77"));
}

// Appendix A.3: the reserved octets of whoever made it count for the hash.
TEST(Cookie, ReservedOctetsOfOthersAreTakenAndNotSent) {
  const std::string sent = octets("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
  const Checked checked = check(kSecrets, sent, kSecond, 1559734700);

  // The RFC's client sends it after an hour and 52 minutes, so that it is renewed, and not valid.
  EXPECT_FALSE(checked.valid);
  EXPECT_EQ(text(checked.reply), octets("010000005cf7a9acf73a7810aca2381e"));
  EXPECT_TRUE(check(kSecrets, sent, kSecond, 0x5cf78f71 + 60).valid);
}

// Appendix A.4.
TEST(Cookie, OneOfThePreviousSecretIsValidAndReplaced) {
  const std::string sent = octets("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
  const Checked checked = check({kNewSecret, kOldSecret}, sent, kThird, 1559741961);

  EXPECT_TRUE(checked.valid);
  EXPECT_EQ(text(checked.reply), octets("010000005cf7c609a6bb79d16625507a"));
  EXPECT_FALSE(check({kNewSecret, kNewSecret}, sent, kThird, 1559741961).valid);
}

TEST(Cookie, AFreshOneIsSentBackAsItIs) {
  const Checked checked = check(kSecrets, kFirstCookie, kFirst, kFirstTime + 1800);

  EXPECT_TRUE(checked.valid);
  EXPECT_EQ(text(checked.reply), kFirstCookie.substr(8));
}

// RFC 9018 section 4.3.
TEST(Cookie, IsGoodForAnHourAndAFewMinutesAhead) {
  const auto valid_at = [](std::uint32_t now) {
    return check(kSecrets, kFirstCookie, kFirst, now).valid;
  };

  EXPECT_TRUE(valid_at(kFirstTime + 3600));
  EXPECT_FALSE(valid_at(kFirstTime + 3601));
  EXPECT_TRUE(valid_at(kFirstTime - 300));
  EXPECT_FALSE(valid_at(kFirstTime - 301));
}

TEST(Cookie, ItsTimeMayWrap) {
  const std::string client = "12345678";
  const std::string cookie = client + text(make(kSecret, client, kFirst, 0xfffffff0U));

  EXPECT_TRUE(check(kSecrets, cookie, kFirst, 100).valid);
  EXPECT_FALSE(check(kSecrets, cookie, kFirst, 5000).valid);
}

TEST(Cookie, OfAnotherAddressClientVersionOrSizeIsNotValid) {
  std::string other_client = kFirstCookie;
  other_client[0] = 'x';
  std::string other_version = kFirstCookie;
  other_version[8] = 2;
  std::string other_hash = kFirstCookie;
  other_hash.back() = 'x';

  EXPECT_FALSE(check(kSecrets, kFirstCookie, kSecond, kFirstTime).valid);
  EXPECT_FALSE(check(kSecrets, kFirstCookie, kThird, kFirstTime).valid);
  EXPECT_FALSE(check(kSecrets, other_client, kFirst, kFirstTime).valid);
  EXPECT_FALSE(check(kSecrets, other_version, kFirst, kFirstTime).valid);
  EXPECT_FALSE(check(kSecrets, other_hash, kFirst, kFirstTime).valid);
  EXPECT_FALSE(check(kSecrets, kFirstCookie + "x", kFirst, kFirstTime).valid);
  EXPECT_FALSE(check(kSecrets, kFirstCookie.substr(0, 16), kFirst, kFirstTime).valid);
}

TEST(Cookie, AnIpv4ClientOfAnIpv6SocketHasTheSame) {
  EXPECT_TRUE(
      check(kSecrets, kFirstCookie, address("[::ffff:198.51.100.100]:53"), kFirstTime).valid);
}

// RFC 7873 section 5.2.2.
TEST(Cookie, SizesOfTheOption) {
  for (const std::size_t size : {8U, 16U, 24U, 40U}) {
    EXPECT_TRUE(is_well_formed(std::string(size, 'x'))) << size;
  }
  for (const std::size_t size : {0U, 7U, 9U, 15U, 41U}) {
    EXPECT_FALSE(is_well_formed(std::string(size, 'x'))) << size;
  }
}

dsl::Secret secret(char octet) { return dsl::Secret::from(std::string(16, octet)); }

TEST(SharedSecrets, AreThereOnceTheyArePublishedAndCopiedWhenTheyAreOthers) {
  SharedSecrets shared;
  Secrets seen;
  std::uint64_t version = 0;
  EXPECT_FALSE(shared.refresh(version, seen));

  shared.publish(secret('b'), secret('a'));
  EXPECT_TRUE(shared.refresh(version, seen));
  EXPECT_EQ(seen.current.k0, SipKey::from(std::string(16, 'b')).k0);
  EXPECT_EQ(seen.previous.k1, SipKey::from(std::string(16, 'a')).k1);

  seen.current.k0 = 7;  // not copied again
  EXPECT_TRUE(shared.refresh(version, seen));
  EXPECT_EQ(seen.current.k0, 7U);
}

TEST(SharedSecrets, NoReaderSeesHalfOfThem) {
  SharedSecrets shared;
  shared.publish(secret('a'), secret('a'));
  std::atomic<bool> ends{false};
  std::thread writer([&] {
    for (int i = 0; i < 20000; ++i) {
      const char octet = static_cast<char>('a' + i % 20);
      shared.publish(secret(octet), secret(octet));
    }
    ends = true;
  });
  Secrets seen;
  std::uint64_t version = 0;
  while (!ends) {
    ASSERT_TRUE(shared.refresh(version, seen));
    ASSERT_EQ(seen.current.k0, seen.current.k1);
    ASSERT_EQ(seen.current.k0, seen.previous.k0);
    ASSERT_EQ(seen.current.k0, seen.previous.k1);
  }
  writer.join();
}

TEST(Jar, AnswersAsSoonAsThereAreSecrets) {
  SharedSecrets shared;
  Jar jar(&shared);
  const std::string client = "12345678";
  EXPECT_FALSE(jar.check(client, kFirst, 1));

  shared.publish(secret('b'), secret('a'));
  const auto learned = jar.check(client, kFirst, 1);
  ASSERT_TRUE(learned);
  EXPECT_FALSE(learned->valid);
  const std::string cookie = client + text(learned->reply);
  EXPECT_TRUE(jar.check(cookie, kFirst, 2)->valid);

  shared.publish(secret('c'), secret('b'));
  EXPECT_TRUE(jar.check(cookie, kFirst, 3)->valid);
  shared.publish(secret('d'), secret('c'));
  EXPECT_FALSE(jar.check(cookie, kFirst, 3)->valid);
  EXPECT_FALSE(jar.check("short", kFirst, 3));
}

}  // namespace
}  // namespace mcns::cookie
