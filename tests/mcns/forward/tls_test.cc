// Upstreams over TLS (RFC 7858): who is believed, and what becomes of questions when one is not.
#include "dsl/tls/tls.h"

#include <openssl/ssl.h>

#include "mcns/forward/proven_upstream_test_base.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using dsl::test::TestCa;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::answer_to;
using test::answering;
using test::FakeTlsUpstream;
using test::FakeUpstream;
using test::Received;
using test::Sent;
using test::source_of;
using testing::HasSubstr;

// An answer that claims to be validated.
std::vector<Sent> validated(const Received& received) {
  Message answer = answer_to(received, 1);
  answer.authentic_data = true;
  return {{.bytes = answer.encode()}};
}

bool says_authentic(const ForwardAnswer& answer) {
  return require_ok(Message::parse(answer.message)).authentic_data;
}

class TlsUpstream : public test::ProvenUpstreamTest {
 protected:
  TlsUpstream() : ProvenUpstreamTest("dot") {}

  // The answer when nobody is believed.
  void expect_distrust(const FakeTlsUpstream& upstream, const ForwardAnswer& answer,
                       const std::string& why) {
    EXPECT_EQ(answer.rcode, Rcode::kServFail);
    EXPECT_THAT(answer.detail, HasSubstr("its certificate is not trusted"));
    EXPECT_THAT(subject_.forwarder->upstreams().at(0).trouble, HasSubstr(why));
    EXPECT_EQ(upstream.questions(), 0) << "nothing is asked before it has proven who it is";
  }
};

TEST_F(TlsUpstream, ACertificateForAnotherNameIsNotBelieved) {
  FakeTlsUpstream upstream(server({.names = {"other.example.test"}}), answering());
  subject_.use({upstream.upstream(ca(), "dns.example.test")});

  expect_distrust(upstream, subject_.ask("www.example.test."), "ostname mismatch");
}

TEST_F(TlsUpstream, WithoutANameTheCertificateIsForTheAddress) {
  FakeTlsUpstream upstream(server({.names = {"dns.example.test"}}), answering());
  subject_.use({upstream.upstream(ca())});

  expect_distrust(upstream, subject_.ask("www.example.test."), "IP address mismatch");
}

TEST_F(TlsUpstream, AnAuthorityThatIsNotKnownIsNotBelieved) {
  FakeTlsUpstream upstream(server(), answering());
  subject_.use({upstream.upstream(folder_.write("other", TestCa("Other CA").pem()))});

  expect_distrust(upstream, subject_.ask("www.example.test."), "local issuer");
}

TEST_F(TlsUpstream, AnExpiredCertificateIsNotBelieved) {
  // The server's own clock is the test's, and stands where it is still valid.
  FakeTlsUpstream upstream(
      server({.names = {"127.0.0.1"},
              .not_after = subject_.env.clock().now() + std::chrono::hours(1)}),
      answering());
  subject_.use({upstream.upstream(ca())});

  expect_distrust(upstream, subject_.ask("www.example.test."), "expired");
}

TEST_F(TlsUpstream, AnOlderTlsIsRefused) {
  const dsl::tls::Context old = server();
  SSL_CTX_set_min_proto_version(old.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
  FakeTlsUpstream upstream(old, answering());
  subject_.use({upstream.upstream(ca())});

  EXPECT_EQ(subject_.ask("www.example.test.").rcode, Rcode::kServFail);
  EXPECT_THAT(subject_.forwarder->upstreams().at(0).trouble, HasSubstr("no TLS"));
}

TEST_F(TlsUpstream, AuthoritiesThatCannotBeReadAreRefusedAtOnce) {
  FakeTlsUpstream upstream(server(), answering());

  EXPECT_THAT(subject_.forwarder->set_groups(
                  {{.upstreams = {upstream.upstream(folder_.file("missing"))}}}, {}),
              dsl::test::failed_saying(dsl::Code::kNotFound, "missing"));
  EXPECT_THAT(subject_.forwarder->set_groups(
                  {{.upstreams = {upstream.upstream(folder_.write("nonsense", "nonsense"))}}}, {}),
              dsl::test::failed_with(dsl::Code::kInvalidArgument));
}

// RFC 8467 section 4.1, RFC 6840 section 5.7.
TEST_F(TlsUpstream, IsAskedWithPaddingAndWhetherItHasValidated) {
  FakeTlsUpstream upstream(server(), answering());
  subject_.use({upstream.upstream(ca(), "dns.example.test")});

  const ForwardAnswer answer = subject_.ask("www.example.test.");

  EXPECT_EQ(source_of(answer), 1);
  EXPECT_THAT(answer.detail, testing::StartsWith("tls://127.0.0.1:"));
  EXPECT_THAT(answer.detail, HasSubstr("#dns.example.test after "));
  const Received received = upstream.received().at(0);
  EXPECT_EQ(received.packet.size() % 128, 0u);
  EXPECT_TRUE(received.message.authentic_data);
  EXPECT_TRUE(subject_.await_state(0, "up"));
  EXPECT_EQ(subject_.forwarder->upstreams().at(0).trouble, "");
}

// MCNS section 7: AD is passed on over an authenticated transport, and else cleared.
TEST_F(TlsUpstream, WhatItHasValidatedIsPassedOnAndKept) {
  FakeTlsUpstream upstream(server(), validated);
  subject_.use({upstream.upstream(ca())});

  EXPECT_TRUE(says_authentic(
      subject_.ask({.name = test::name_of("www.example.test."), .dnssec_ok = true})));

  Message query = test::Asked::make("www.example.test.", Type::kA);
  query.edns = Edns{.dnssec_ok = true};
  const test::Asked asked(query);
  std::vector<char> buffer(4096);
  const auto hit =
      subject_.cache->lookup(asked.query, subject_.now_ms(), false, buffer.data(), buffer.size());
  EXPECT_TRUE(require_ok(Message::parse({buffer.data(), hit.size})).authentic_data);
}

TEST_F(TlsUpstream, WhatAnybodyMayHaveSentIsNotValidated) {
  for (const auto transport : {Upstream::Transport::kUdp, Upstream::Transport::kTcp}) {
    FakeUpstream upstream(validated);
    subject_.use({upstream.upstream(transport)});

    EXPECT_FALSE(says_authentic(subject_.ask("www.example.test.")));
  }
}

TEST_F(TlsUpstream, ManyQuestionsAreUnderWayOnOneConnection) {
  FakeTlsUpstream upstream(server(), answering());
  expect_one_connection(upstream);
}

// RFC 7766 section 6.2.4, RFC 8446 section 2.2.
TEST_F(TlsUpstream, AQuestionThatMeetsTheEndOfTheConnectionIsAskedAgainInTheSameSession) {
  std::atomic<int> ended{0};
  FakeTlsUpstream upstream(server(), [&ended](const Received& received) {
    const bool ends = received.message.questions.at(0).name.first_label() == "end";
    if (ends && ++ended == 1) {
      return std::vector<Sent>{{.bytes = {}, .then_close = true}};
    }
    return std::vector<Sent>{{.bytes = answer_to(received).encode()}};
  });
  subject_.use_known({upstream.upstream(ca())});
  EXPECT_EQ(subject_.ask("www.example.test.").rcode, Rcode::kNoError);

  EXPECT_EQ(subject_.ask("end.example.test.").rcode, Rcode::kNoError);

  EXPECT_EQ(upstream.connections(), 2);
  EXPECT_EQ(upstream.resumed(), 1);
  EXPECT_EQ(subject_.forwarder->upstreams().at(0).failed, 0u);
}

TEST_F(TlsUpstream, AHandshakeThatLeadsNowhereIsHelpedByAnother) {
  FakeTlsUpstream black_hole(server(), answering(1));
  black_hole.set_black_hole(true);
  FakeUpstream second(answering(2));
  test::Subject quick;
  quick.env.use_real_files();
  quick.use({black_hole.upstream(ca()), second.upstream()});

  const auto begun = steady_clock::now();
  EXPECT_EQ(source_of(quick.ask("www.example.test.")), 2);

  EXPECT_LT(steady_clock::now() - begun, milliseconds(1000));
  ASSERT_TRUE(quick.await_state(0, "down"));
  EXPECT_THAT(quick.forwarder->upstreams().at(0).trouble, HasSubstr("no TLS in time"));
  black_hole.set_black_hole(false);
  EXPECT_TRUE(quick.await_state(0, "up"));
}

TEST_F(TlsUpstream, OtherAuthoritiesEndWhatTheFormerHaveProven) {
  FakeTlsUpstream upstream(server(), answering());
  const std::string ca_cert = ca();
  subject_.use_known({upstream.upstream(ca_cert)});
  subject_.use({upstream.upstream(ca_cert)});
  EXPECT_EQ(subject_.ask("a.example.test.").rcode, Rcode::kNoError);
  EXPECT_EQ(upstream.connections(), 1) << "the same authorities: nothing has changed";
  const int asked = upstream.questions();

  folder_.write("ca", TestCa("Other CA").pem());
  subject_.use({upstream.upstream(ca_cert)});

  EXPECT_EQ(subject_.ask("b.example.test.").rcode, Rcode::kServFail);
  EXPECT_EQ(upstream.questions(), asked);
  EXPECT_EQ(upstream.resumed(), 0);
}

}  // namespace
}  // namespace mcns
