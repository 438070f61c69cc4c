// What of upstreams' answers is kept, and what is given of it in place of asking.
#include <future>
#include <utility>

#include "mcns/forward/forwarder.h"
#include "mcns/forward/subject.h"

namespace mcns {
namespace {

using std::chrono::milliseconds;
using test::answer_to;
using test::answering;
using test::failing;
using test::FakeUpstream;
using test::name_of;
using test::Received;
using test::Sent;
using test::silent;
using test::source_of;
using test::Subject;

// Answers when `let_go` is called, with what was right when it was asked.
class HeldUpstream {
 public:
  Upstream upstream() const { return fake_.upstream(); }
  void await_question() { asked_.get_future().wait(); }
  void let_go() { go_.set_value(); }

 private:
  std::promise<void> asked_;
  std::promise<void> go_;
  bool first_ = true;  // of the upstream's thread
  FakeUpstream fake_{[this](const Received& received) {
    if (std::exchange(first_, false)) {
      asked_.set_value();
      go_.get_future().wait();
    }
    return std::vector<Sent>{{.bytes = answer_to(received, 1).encode()}};
  }};
};

ForwardOptions patient() {
  ForwardOptions options = test::quick();
  options.timeout_total = milliseconds(10000);
  options.attempt_timeout = milliseconds(10000);
  return options;
}

TEST(Keeping, AnAnswerThatWasOnItsWayDoesNotComeBackAfterAFlush) {
  Subject subject(patient());
  HeldUpstream upstream;
  subject.use({upstream.upstream()});
  auto answer = subject.begin("www.example.test.");
  upstream.await_question();

  (void)subject.cache->flush(name_of("example.test.").wire(), true);
  upstream.let_go();

  EXPECT_EQ(source_of(answer.get()), 1) << "whoever asked before gets it";
  EXPECT_FALSE(subject.cached("www.example.test."));
  (void)subject.ask("www.example.test.");
  EXPECT_TRUE(subject.cached("www.example.test."));
}

TEST(Keeping, AnAnswerOfFormerUpstreamsIsNotKept) {
  Subject subject(patient());
  HeldUpstream former;
  FakeUpstream other(answering(2));
  subject.use({former.upstream()});
  auto answer = subject.begin("www.example.test.");
  former.await_question();

  subject.use({other.upstream()});
  former.let_go();

  EXPECT_EQ(source_of(answer.get()), 1);
  EXPECT_FALSE(subject.cached("www.example.test."));
}

// RFC 9520 section 3.
TEST(Keeping, AFailureIsKeptForAsLongAsConfigured) {
  Subject subject(test::quick(), {.failure_ttl_s = 5});
  FakeUpstream upstream(failing(Rcode::kServFail));
  subject.use({upstream.upstream()});

  EXPECT_EQ(subject.ask("wWw.example.test.").rcode, Rcode::kServFail);

  const auto kept = subject.cached("www.example.test.");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->rcode, Rcode::kServFail);
  EXPECT_TRUE(kept->answers.empty() && kept->authorities.empty());
  subject.env.manual_clock().advance(std::chrono::seconds(5));
  EXPECT_FALSE(subject.cached("www.example.test.", true));
}

TEST(Keeping, AKeptFailureIsNoStaleAnswer) {
  ForwardOptions options = test::quick();
  options.inflight_max = 0;
  Subject subject(options, {.failure_ttl_s = 5});
  const test::Asked asked("www.example.test.");
  subject.cache->insert(asked.query, test::response_to(asked, {}, {}, Rcode::kServFail).encode(),
                        subject.now_ms());
  ASSERT_TRUE(subject.cached("www.example.test."));

  EXPECT_EQ(subject.ask("www.example.test.").error, ExtendedError::kNetworkError);
}

// RFC 8767 section 5: what cannot be asked is as good as what does not answer.
TEST(Keeping, BeyondTheOutstandingQuestionsAStaleAnswerIsGiven) {
  for (std::size_t ForwardOptions::*bound :
       {&ForwardOptions::inflight_max, &ForwardOptions::inflight_per_zone_max}) {
    ForwardOptions options = test::quick();
    options.*bound = 1;
    Subject subject(options);
    FakeUpstream upstream(answering(1));
    subject.use_known({upstream.upstream()});
    (void)subject.ask("www.example.test.");
    subject.env.manual_clock().advance(std::chrono::minutes(10));
    upstream.set_handler(silent());
    auto waiting = subject.begin("slow.example.test.");

    const ForwardAnswer answer = subject.ask("www.example.test.");

    EXPECT_TRUE(answer.stale);
    EXPECT_EQ(source_of(answer), 1);
    EXPECT_EQ(subject.ask("other.example.test.").error, ExtendedError::kNetworkError);
  }
}

TEST(Keeping, TheFirstAnswerSaysTheSameTtlAsTheNext) {
  Subject subject(test::quick(), {.max_ttl_s = 100, .negative_ttl_s = 50});
  FakeUpstream upstream([](const Received& received) {
    if (received.message.questions.at(0).name == name_of("www.example.test.")) {
      return std::vector<Sent>{{.bytes = answer_to(received, 1, 86400).encode()}};
    }
    Message negative = test::failure_to(received, Rcode::kNxDomain);
    negative.authorities = {test::soa_record("example.test.", 3600, 900)};
    return std::vector<Sent>{{.bytes = negative.encode()}};
  });
  subject.use({upstream.upstream()});

  const Message www =
      dsl::test::require_ok(Message::parse(subject.ask("www.example.test.").message));
  const Message gone =
      dsl::test::require_ok(Message::parse(subject.ask("gone.example.test.").message));

  EXPECT_EQ(www.answers.at(0).ttl, 100U);
  EXPECT_EQ(subject.cached("www.example.test.")->answers.at(0).ttl, 100U);
  EXPECT_EQ(gone.authorities.at(0).ttl, 50U);
  EXPECT_EQ(subject.cached("gone.example.test.")->authorities.at(0).ttl, 50U);
}

}  // namespace
}  // namespace mcns
