// Upstreams over HTTPS (RFC 8484): what they are asked, and what of their HTTP is an answer.
#include <gmock/gmock.h>

#include "mcns/forward/proven_upstream_test_base.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using std::chrono::milliseconds;
using test::answer_to;
using test::answering;
using test::FakeTlsUpstream;
using test::FakeUpstream;
using test::HttpRequest;
using test::Received;
using test::Sent;
using test::source_of;
using testing::HasSubstr;

constexpr auto kHttps = Upstream::Transport::kHttps;

class HttpsUpstream : public test::ProvenUpstreamTest {
 protected:
  HttpsUpstream() : ProvenUpstreamTest("h2") {}

  // An upstream that does this, and what a question gets from it.
  ForwardAnswer ask_one_that(const std::function<Sent(const Received&)>& does) {
    FakeTlsUpstream upstream(
        server(), [&](const Received& received) { return std::vector{does(received)}; }, kHttps);
    subject_.use_known({upstream.upstream(ca())});
    const ForwardAnswer answer = subject_.ask("www.example.test.");
    trouble_ = subject_.forwarder->upstreams().at(0).trouble;
    return answer;
  }

  std::string trouble_;  // as the status tells it
};

TEST_F(HttpsUpstream, ACertificateForAnotherNameIsNotBelieved) {
  FakeTlsUpstream upstream(server({.names = {"other.example.test"}}), answering(), kHttps);
  subject_.use({upstream.upstream(ca(), "dns.example.test")});

  EXPECT_EQ(subject_.ask("www.example.test.").rcode, Rcode::kServFail);
  EXPECT_THAT(subject_.forwarder->upstreams().at(0).trouble, HasSubstr("ostname mismatch"));
  EXPECT_EQ(upstream.questions(), 0);
}

TEST_F(HttpsUpstream, WhoSpeaksNoHttp2IsAskedNothing) {
  FakeTlsUpstream upstream(server_that_speaks("http/1.1", {.names = {"127.0.0.1"}}), answering(),
                           kHttps);
  subject_.use({upstream.upstream(ca())});

  EXPECT_EQ(subject_.ask("www.example.test.").rcode, Rcode::kServFail);
  EXPECT_THAT(subject_.forwarder->upstreams().at(0).trouble,
              testing::AnyOf(HasSubstr("no TLS"), HasSubstr("HTTP/2")));
  EXPECT_EQ(upstream.questions(), 0);
}

// RFC 8484 section 4.1, RFC 8467 section 4.1, RFC 6840 section 5.7.
TEST_F(HttpsUpstream, IsAskedByPostWithPaddingAndWithoutAnId) {
  FakeTlsUpstream upstream(server(), answering(7), kHttps);
  subject_.use({upstream.upstream(ca(), "dns.example.test")});

  const ForwardAnswer answer = subject_.ask("www.example.test.");

  EXPECT_EQ(source_of(answer), 7);
  EXPECT_THAT(answer.detail, testing::StartsWith("https://127.0.0.1:"));
  const HttpRequest request = upstream.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/dns-query");
  EXPECT_THAT(request.authority, testing::StartsWith("dns.example.test:"));
  EXPECT_EQ(request.type, "application/dns-message");
  EXPECT_EQ(request.body.size() % 128, 0u);
  const Message sent = upstream.received().at(0).message;
  EXPECT_EQ(sent.id, 0);
  EXPECT_TRUE(sent.authentic_data && sent.recursion_desired);
  EXPECT_TRUE(subject_.await_state(0, "up"));
}

TEST_F(HttpsUpstream, WhatItHasValidatedIsPassedOn) {
  const ForwardAnswer answer = ask_one_that([](const Received& received) {
    Message message = answer_to(received);
    message.authentic_data = true;
    return Sent{.bytes = message.encode(), .http_type = "Application/DNS-message; charset=utf-8"};
  });

  EXPECT_TRUE(require_ok(Message::parse(answer.message)).authentic_data);
}

// RFC 8484 section 5.1.
TEST_F(HttpsUpstream, WhatACacheOfHttpHadHasLessToLive) {
  const auto ttl = [&](const std::string& age) {
    (void)subject_.cache->flush(Name().wire(), true);
    const ForwardAnswer answer = ask_one_that([&](const Received& received) {
      return Sent{.bytes = answer_to(received).encode(), .http_age = age};
    });
    return require_ok(Message::parse(answer.message)).answers.at(0).ttl;
  };

  EXPECT_EQ(ttl("0"), 60u);
  EXPECT_EQ(ttl("20"), 40u);
  EXPECT_EQ(ttl("9999999999999999"), 0u);
  EXPECT_EQ(ttl("nonsense"), 60u);
}

// RFC 8484 section 4.2.1.
TEST_F(HttpsUpstream, OnlyTwoHundredWithAMessageIsAnAnswer) {
  const std::vector<std::pair<std::function<Sent(const Received&)>, std::string>> cases{
      {[](const Received& received) {
         return Sent{.bytes = answer_to(received).encode(), .http_status = 404};
       },
       "said HTTP 404"},
      {[](const Received& received) {
         return Sent{.bytes = answer_to(received).encode(), .http_status = 302};
       },
       "said HTTP 302"},
      {[](const Received& received) {
         return Sent{.bytes = answer_to(received).encode(), .http_type = "text/html"};
       },
       "sent \"text/html\""},
      {[](const Received&) { return Sent{.bytes = "<html>"}; }, "no answer to the question"},
      {[](const Received&) { return Sent{.bytes = Bytes(70000, 'x')}; }, "longer than any"},
      {[](const Received& received) {
         Message other = answer_to(received);
         other.questions[0].name = test::name_of("other.example.test.");
         return Sent{.bytes = other.encode()};
       },
       "no answer to the question"},
      {[](const Received&) { return Sent{.http_reset = 2}; }, "has reset the request"},
  };
  for (const auto& [does, why] : cases) {
    EXPECT_EQ(ask_one_that(does).rcode, Rcode::kServFail) << why;
    EXPECT_THAT(trouble_, HasSubstr(why));
  }
}

TEST_F(HttpsUpstream, AFailureOfOneQuestionLeavesTheOthersAlone) {
  FakeTlsUpstream upstream(
      server(),
      [](const Received& received) {
        const bool fails = received.message.questions.at(0).name.first_label() == "bad";
        return std::vector<Sent>{
            {.bytes = answer_to(received).encode(), .http_status = fails ? 500 : 200}};
      },
      kHttps);
  subject_.use_known({upstream.upstream(ca())});

  auto bad = subject_.begin("bad.example.test.");
  auto good = subject_.begin("good.example.test.");

  EXPECT_EQ(good.get().rcode, Rcode::kNoError);
  EXPECT_EQ(bad.get().rcode, Rcode::kServFail);
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(HttpsUpstream, ManyQuestionsAreUnderWayOnOneConnection) {
  FakeTlsUpstream upstream(server(), answering(), kHttps);
  expect_one_connection(upstream);
}

// RFC 9113 sections 6.8 and 8.7.
TEST_F(HttpsUpstream, WhatItHasNotLookedAtIsAskedAgain) {
  for (const bool goaway : {true, false}) {
    std::atomic<int> refused{0};
    FakeTlsUpstream upstream(
        server(),
        [&](const Received& received) {
          const bool ends = received.message.questions.at(0).name.first_label() == "end";
          if (ends && ++refused == 1) {
            return std::vector<Sent>{{.http_reset = goaway ? 0u : 7u, .http_goaway = goaway}};
          }
          return std::vector<Sent>{{.bytes = answer_to(received).encode()}};
        },
        kHttps);
    subject_.use_known({upstream.upstream(ca())});
    EXPECT_EQ(subject_.ask(dsl::text("first{}.example.test.", goaway)).rcode, Rcode::kNoError);

    EXPECT_EQ(subject_.ask(dsl::text("end.{}.example.test.", goaway)).rcode, Rcode::kNoError);

    EXPECT_EQ(subject_.ask(dsl::text("last{}.example.test.", goaway)).rcode, Rcode::kNoError);
    EXPECT_EQ(upstream.connections(), goaway ? 2 : 1);
    EXPECT_EQ(subject_.forwarder->upstreams().at(0).failed, 0u);
  }
}

// RFC 8446 section 2.2.
TEST_F(HttpsUpstream, AQuestionThatMeetsTheEndOfTheConnectionIsAskedAgainInTheSameSession) {
  std::atomic<int> ended{0};
  FakeTlsUpstream upstream(
      server(),
      [&](const Received& received) {
        const bool ends = received.message.questions.at(0).name.first_label() == "end";
        return ends && ++ended == 1 ? std::vector<Sent>{{.bytes = {}, .then_close = true}}
                                    : std::vector<Sent>{{.bytes = answer_to(received).encode()}};
      },
      kHttps);
  subject_.use_known({upstream.upstream(ca())});
  EXPECT_EQ(subject_.ask("www.example.test.").rcode, Rcode::kNoError);

  EXPECT_EQ(subject_.ask("end.example.test.").rcode, Rcode::kNoError);

  EXPECT_EQ(upstream.connections(), 2);
  EXPECT_EQ(upstream.resumed(), 1);
}

TEST_F(HttpsUpstream, OneThatIsSilentIsHelpedByAnotherAndItsStreamIsGivenUp) {
  FakeTlsUpstream mute(
      server(), [](const Received&) { return std::vector<Sent>{{.bytes = {}}}; }, kHttps);
  FakeUpstream second(answering(2));
  test::Subject quick;
  quick.env.use_real_files();
  quick.use({mute.upstream(ca()), second.upstream()});

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(source_of(quick.ask(dsl::text("www.{}.test.", i))), 2);
  }
  std::this_thread::sleep_for(milliseconds(2000));  // past the time of all questions
  EXPECT_EQ(source_of(quick.ask("last.test.")), 2);
}

TEST_F(HttpsUpstream, OneThatSpeaksSomethingElseIsDown) {
  // Answers questions of DNS over TLS, on a connection that was to be HTTP/2.
  FakeTlsUpstream upstream(server(), answering());
  Upstream other = upstream.upstream(ca());
  other.transport = kHttps;
  other.path = "/dns-query";
  test::Subject quick;
  quick.env.use_real_files();
  quick.use({other});

  EXPECT_EQ(quick.ask("www.example.test.").rcode, Rcode::kServFail);
  EXPECT_TRUE(quick.await_state(0, "down"));
}

}  // namespace
}  // namespace mcns
