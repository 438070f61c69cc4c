// parse_certificates and check_pair.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/tls/tls.h"
#include "support/result_matchers.h"
#include "support/test_ca.h"

namespace dsl::tls::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::IssuedPair;
using dsl::test::kTestCertificatesFrom;
using dsl::test::kTestCertificatesUntil;
using dsl::test::require_ok;
using dsl::test::TestCa;

constexpr env::WallTime kNow{std::chrono::seconds(1767225600)};  // 2026-01-01

TEST(ParseCertificates, RefusesATextWithoutOne) {
  EXPECT_THAT(parse_certificates(""),
              failed_saying(Code::kInvalidArgument, "there is no certificate"));
  EXPECT_THAT(parse_certificates("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
              failed_saying(Code::kInvalidArgument, "there is no certificate"));
}

TEST(ParseCertificates, NamesTheOneThatIsDamaged) {
  const TestCa ca;
  std::string damaged = ca.pem();
  damaged[damaged.size() / 2] = '!';

  EXPECT_THAT(parse_certificates(ca.pem() + damaged),
              failed_saying(Code::kInvalidArgument, "certificate 2 is damaged"));
  EXPECT_THAT(parse_certificates(ca.pem().substr(0, 200)),
              failed_saying(Code::kInvalidArgument, "certificate 1 is damaged"));
}

TEST(ParseCertificates, RefusesMoreThanItReads) {
  EXPECT_THAT(parse_certificates(std::string(5u << 20, '\n')),
              failed_saying(Code::kInvalidArgument, "at most"));
}

TEST(ParseCertificates, TellsWhatPeopleWantToKnow) {
  const TestCa ca("Root of tests");
  const IssuedPair pair =
      ca.issue({.subject = "rift", .names = {"rift", "*.svc.test", "192.168.88.181", "fd00::1"}});

  const std::vector<Certificate> found = require_ok(parse_certificates(pair.cert_pem + ca.pem()));

  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].subject, "CN=rift");
  EXPECT_EQ(found[0].issuer, "CN=Root of tests");
  EXPECT_EQ(found[0].serial, pair.serial);
  EXPECT_EQ(found[0].fingerprint_sha256.size(), 64u);
  EXPECT_THAT(found[0].names,
              testing::ElementsAre("rift", "*.svc.test", "192.168.88.181", "fd00::1"));
  EXPECT_EQ(found[0].not_before, kTestCertificatesFrom);
  EXPECT_EQ(found[0].not_after, kTestCertificatesUntil);
  EXPECT_EQ(found[1].subject, "CN=Root of tests");
}

TEST(CheckPair, RefusesWhatIsNoKey) {
  const TestCa ca;
  const IssuedPair pair = ca.issue({.names = {"rift"}});

  EXPECT_THAT(check_pair(pair.cert_pem, "", kNow),
              failed_saying(Code::kInvalidArgument, "there is no private key"));
  EXPECT_THAT(check_pair(pair.cert_pem, pair.cert_pem, kNow),
              failed_saying(Code::kInvalidArgument, "there is no private key"));
}

TEST(CheckPair, RefusesAnEncryptedKeyAndAsksNobody) {
  const TestCa ca;
  const IssuedPair pair = ca.issue({.names = {"rift"}});
  const std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIH0MF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBAo4DyBA7eB7VGJwjqZ\n"
      "MFJUAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQZr0U8LuTXlp0Y8o3\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";

  EXPECT_THAT(check_pair(pair.cert_pem, encrypted, kNow),
              failed_saying(Code::kInvalidArgument, "key"));
}

TEST(CheckPair, RefusesTheKeyOfAnother) {
  const TestCa ca;

  EXPECT_THAT(
      check_pair(ca.issue({.subject = "rift"}).cert_pem, ca.issue({}).key_pem, kNow),
      failed_saying(Code::kInvalidArgument, "does not belong to the certificate of CN=rift"));
}

TEST(CheckPair, RefusesAChainOutOfOrder) {
  const TestCa root("root");
  const TestCa middle = root.intermediate("middle");
  const TestCa other("other");
  const IssuedPair pair = middle.issue({.names = {"rift"}});

  EXPECT_THAT(
      check_pair(pair.cert_pem + other.pem(), pair.key_pem, kNow),
      failed_saying(Code::kInvalidArgument, "certificate 3 of the chain (CN=other) did not issue"));
  const IssuedPair leaf = root.issue({.names = {"rift"}});
  EXPECT_THAT(check_pair(leaf.cert_pem + middle.pem(), leaf.key_pem, kNow),
              failed_saying(Code::kInvalidArgument, "certificate 2 of the chain (CN=middle)"));
}

TEST(CheckPair, RefusesAnIssuerThatOnlyHasTheName) {
  const TestCa real("root");
  const TestCa impostor("root");
  const IssuedPair pair = real.issue({.names = {"rift"}});

  EXPECT_THAT(check_pair(pair.cert_pem + impostor.pem(), pair.key_pem, kNow),
              failed_saying(Code::kInvalidArgument, "did not issue"));
}

TEST(CheckPair, RefusesWhatIsNotValidNow) {
  const TestCa ca;
  const IssuedPair old = ca.issue({.not_after = kNow - std::chrono::seconds(1)});
  const IssuedPair early = ca.issue({.not_before = kNow + std::chrono::seconds(1)});

  EXPECT_THAT(check_pair(old.cert_pem, old.key_pem, kNow),
              failed_saying(Code::kInvalidArgument, "expired at 2025-12-31T23:59:59.000Z"));
  EXPECT_THAT(check_pair(early.cert_pem, early.key_pem, kNow),
              failed_saying(Code::kInvalidArgument, "not valid before 2026-01-01T00:00:01.000Z"));
}

TEST(CheckPair, TakesALeafWithOrWithoutItsIssuers) {
  const TestCa root("root");
  const TestCa middle = root.intermediate("middle");
  const IssuedPair direct = root.issue({.names = {"rift"}});
  const IssuedPair chained = middle.issue({.names = {"rift"}, .ed25519 = true});

  EXPECT_EQ(require_ok(check_pair(direct.cert_pem, direct.key_pem, kNow)).serial, direct.serial);
  EXPECT_EQ(require_ok(check_pair(chained.cert_pem, chained.key_pem, kNow)).serial, chained.serial);
  EXPECT_EQ(require_ok(check_pair(chained.cert_pem + root.pem(), chained.key_pem, kNow)).serial,
            chained.serial);
}

}  // namespace
}  // namespace dsl::tls::test
