// Several upstreams: which are asked, which are down, and what there is when all are.
#include <atomic>
#include <map>

#include "mcns/forward/forwarder.h"
#include "mcns/forward/loop_options.h"
#include "mcns/forward/subject.h"

namespace mcns {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::answer_to;
using test::answering;
using test::dead_upstream;
using test::failing;
using test::FakeUpstream;
using test::name_of;
using test::Received;
using test::Sent;
using test::silent;
using test::source_of;
using test::Subject;

TEST(Upstreams, TheOrderIsKept) {
  Subject subject;
  FakeUpstream first(answering(1));
  FakeUpstream second(answering(2));
  subject.use({first.upstream(), second.upstream()});

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(source_of(subject.ask(dsl::text("{}.example.test.", i))), 1);
  }
  EXPECT_EQ(second.questions(), 0);
}

TEST(Upstreams, ASlowOneIsHelpedByAnother) {
  ForwardOptions options = test::quick();
  options.attempt_timeout = milliseconds(1200);
  Subject subject(options);
  FakeUpstream slow(silent());
  FakeUpstream quick(answering(2));
  subject.use_known({slow.upstream(), quick.upstream()});

  const auto begun = steady_clock::now();
  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 2);

  const auto taken = steady_clock::now() - begun;
  EXPECT_GE(taken, milliseconds(20));
  EXPECT_LT(taken, milliseconds(1100)) << "before the attempt's time is over";
}

TEST(Upstreams, WhoeverIsDeadIsLeftOutUntilItAnswers) {
  Subject subject;
  FakeUpstream first(answering(1));
  FakeUpstream second(answering(2));
  subject.use_known({first.upstream(), second.upstream()});

  first.set_deaf(true);
  for (int i = 0; subject.forwarder->upstreams().at(0).state == "up" && i < 20; ++i) {
    EXPECT_EQ(source_of(subject.ask(dsl::text("{}.example.test.", i))), 2);
    (void)test::eventually([&] { return subject.forwarder->upstreams().at(0).failed > 0; });
  }
  ASSERT_TRUE(subject.await_state(0, "down"));
  const std::uint64_t asked = subject.forwarder->upstreams().at(0).asked;
  EXPECT_EQ(source_of(subject.ask("quick.example.test.")), 2);
  EXPECT_EQ(subject.forwarder->upstreams().at(0).asked, asked) << "without a try at the first";

  first.set_deaf(false);
  ASSERT_TRUE(subject.await_state(0, "up"));
  EXPECT_EQ(source_of(subject.ask("back.example.test.")), 1);
}

TEST(Upstreams, ARefusedPortIsFoundAtOnce) {
  Subject subject;
  FakeUpstream second(answering(2));
  subject.use({dead_upstream(), second.upstream()});

  const auto begun = steady_clock::now();
  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 2);

  EXPECT_LT(steady_clock::now() - begun, milliseconds(190)) << "before another is asked as well";
  EXPECT_TRUE(subject.await_state(0, "down")) << "by its probes alone";
}

TEST(Upstreams, QuestionsThatNobodyCanAnswerDoNotTakeAnUpstreamDown) {
  ForwardOptions options = test::quick();
  options.timeout_total = milliseconds(550);
  Subject subject(options);
  FakeUpstream upstream([](const Received& received) {
    const bool hard = received.message.questions.at(0).name.first_label() == "hard";
    return hard ? std::vector<Sent>() : std::vector<Sent>{{.bytes = answer_to(received).encode()}};
  });
  subject.use_known({upstream.upstream()});

  EXPECT_EQ(subject.ask("hard.example.test.").rcode, Rcode::kServFail);
  EXPECT_GE(subject.forwarder->upstreams().at(0).failed, 3u);

  EXPECT_EQ(subject.ask("easy.example.test.").rcode, Rcode::kNoError);
  EXPECT_TRUE(subject.await_state(0, "up"));
}

TEST(Upstreams, FallbackIsForWhenAllAreDown) {
  Subject subject;
  FakeUpstream normal(failing(Rcode::kServFail));
  FakeUpstream fallback(answering(9));
  subject.use({normal.upstream()}, {fallback.upstream()});

  EXPECT_EQ(subject.ask("www.example.test.").rcode, Rcode::kServFail);
  EXPECT_EQ(fallback.questions(), 0) << "the other one is not down";

  normal.set_deaf(true);
  EXPECT_TRUE(test::eventually([&] { return source_of(subject.ask("www.example.test.")) == 9; }));
  EXPECT_TRUE(subject.await_state(0, "down"));
  EXPECT_EQ(source_of(subject.ask("wwx.example.test.")), 9);
  EXPECT_TRUE(subject.forwarder->upstreams().at(1).fallback);

  normal.set_handler(answering(1));
  normal.set_deaf(false);
  ASSERT_TRUE(subject.await_state(0, "up"));
  EXPECT_EQ(source_of(subject.ask("wwy.example.test.")), 1);
}

TEST(Upstreams, WhenAllAreDownNobodyWaits) {
  Subject subject;
  subject.use({dead_upstream(), dead_upstream()});
  ASSERT_TRUE(subject.await_state(0, "down"));
  ASSERT_TRUE(subject.await_state(1, "down"));

  const auto begun = steady_clock::now();
  const ForwardAnswer answer = subject.ask("www.example.test.");

  EXPECT_LT(steady_clock::now() - begun, milliseconds(1000));
  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_EQ(answer.error, ExtendedError::kNoReachableAuthority);
  EXPECT_THAT(answer.detail, testing::HasSubstr("down"));
}

TEST(Upstreams, WhenAllAreDownAStaleAnswerIsGiven) {
  Subject subject;
  FakeUpstream upstream(answering(1));
  subject.use_known({upstream.upstream()});
  (void)subject.ask("www.example.test.");
  subject.env.manual_clock().advance(std::chrono::minutes(10));
  EXPECT_FALSE(subject.cached("www.example.test."));
  upstream.set_deaf(true);

  const ForwardAnswer answer = subject.ask("www.example.test.");

  EXPECT_TRUE(answer.stale);
  EXPECT_EQ(answer.rcode, Rcode::kNoError);
  EXPECT_EQ(answer.error, ExtendedError::kStaleAnswer);
  EXPECT_EQ(source_of(answer), 1);
  EXPECT_EQ(dsl::test::require_ok(Message::parse(answer.message)).answers.at(0).ttl, 30u);
}

// MCNS section 7: SERVFAIL ends in a stale answer where there is one.
TEST(Upstreams, AStaleAnswerIsBetterThanAFailure) {
  Subject subject;
  FakeUpstream upstream([](const Received& received) {
    Message answer = test::failure_to(received, Rcode::kNxDomain);
    answer.authorities = {test::soa_record("example.test.", 60, 60)};
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  subject.use({upstream.upstream()});
  (void)subject.ask("nobody.example.test.");
  subject.env.manual_clock().advance(std::chrono::minutes(10));
  upstream.set_handler(failing(Rcode::kServFail));

  const ForwardAnswer answer = subject.ask("nobody.example.test.");

  EXPECT_TRUE(answer.stale);
  EXPECT_EQ(answer.rcode, Rcode::kNxDomain);
  EXPECT_EQ(answer.error, ExtendedError::kStaleNxdomainAnswer);
}

// RFC 8767 section 5.
TEST(Upstreams, AStaleAnswerComesBeforeTheClientGivesUp) {
  Subject subject;
  FakeUpstream upstream(answering(1));
  subject.use_known({upstream.upstream()});
  (void)subject.ask("www.example.test.");
  subject.env.manual_clock().advance(std::chrono::minutes(10));
  upstream.set_handler(answering(2, milliseconds(700)));

  const auto begun = steady_clock::now();
  auto early = subject.begin("www.example.test.");
  const ForwardAnswer answer = early.get();
  EXPECT_TRUE(answer.stale);
  EXPECT_EQ(source_of(answer), 1);
  EXPECT_GE(steady_clock::now() - begun, milliseconds(150));
  EXPECT_LT(steady_clock::now() - begun, milliseconds(700));
  EXPECT_TRUE(subject.ask("www.example.test.").stale) << "at once: it is late already";
  EXPECT_LT(steady_clock::now() - begun, milliseconds(700));

  EXPECT_TRUE(test::eventually([&] { return subject.cached("www.example.test.").has_value(); }))
      << "the question goes on";
  EXPECT_EQ(subject.cached("www.example.test.")->answers.at(0).rdata.back(), 2);
}

TEST(Upstreams, TheBudgetEnds) {
  ForwardOptions options = test::quick();
  options.timeout_total = milliseconds(200);
  Subject subject(options);
  FakeUpstream upstream(silent());
  subject.use_known({upstream.upstream()});

  const auto begun = steady_clock::now();
  const ForwardAnswer answer = subject.ask("www.example.test.");

  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_GE(steady_clock::now() - begun, milliseconds(200));
  EXPECT_LT(steady_clock::now() - begun, milliseconds(1400));
}

TEST(Upstreams, TheFastestIsPreferred) {
  Subject subject;
  FakeUpstream slow(answering(1, milliseconds(8)));
  FakeUpstream quick(answering(2));
  subject.use_known({slow.upstream(), quick.upstream()}, ForwardPolicy::kFastest);

  std::map<int, int> sources;
  for (int i = 0; i < 60; ++i) {
    ++sources[source_of(subject.ask(dsl::text("{}.example.test.", i)))];
  }

  EXPECT_GT(sources[2], 40);
}

TEST(Upstreams, AllAreAskedAtOnceAndTheFirstAnswerWins) {
  Subject subject;
  FakeUpstream slow(answering(1, milliseconds(60)));
  FakeUpstream bad(failing(Rcode::kServFail));
  FakeUpstream quick(answering(3, milliseconds(5)));
  subject.use({slow.upstream(), bad.upstream(), quick.upstream()}, {}, ForwardPolicy::kParallel);

  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 3);
  EXPECT_TRUE(test::eventually([&] { return slow.questions() == 1 && bad.questions() == 1; }));
}

TEST(Upstreams, AGroupIsFoundByTheLongestZone) {
  Subject subject;
  FakeUpstream rest(answering(1));
  FakeUpstream tailnet(answering(2));
  subject.set({{.zone = Name(), .upstreams = {rest.upstream()}},
               {.zone = name_of("ts.test."), .upstreams = {tailnet.upstream()}}});

  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 1);
  EXPECT_EQ(source_of(subject.ask("host.TS.test.")), 2);
  EXPECT_EQ(subject.forwarder->group_of(name_of("host.ts.test.")), "ts.test.");
  EXPECT_EQ(subject.forwarder->group_of(name_of("test.")), ".");
  EXPECT_EQ(subject.forwarder->upstreams().at(1).group, "ts.test.");
}

TEST(Upstreams, GroupsAreReplacedWhileQuestionsAreUnderWay) {
  Subject subject;
  FakeUpstream old(answering(1, milliseconds(60)));
  FakeUpstream fresh(answering(2));
  subject.use({old.upstream()});
  auto under_way = subject.begin("www.example.test.");
  ASSERT_TRUE(test::eventually([&] { return old.questions() == 1; }));

  subject.use({fresh.upstream()});

  EXPECT_EQ(source_of(subject.ask("wwx.example.test.")), 2);
  EXPECT_EQ(source_of(under_way.get()), 1);
  EXPECT_EQ(subject.forwarder->upstreams().size(), 1u);
  EXPECT_THAT(subject.forwarder->set_groups({{.zone = Name()}}, {}),
              dsl::test::failed_with(dsl::Code::kInvalidArgument));
  EXPECT_EQ(source_of(subject.ask("wwy.example.test.")), 2) << "a mistake changes nothing";
}

TEST(Upstreams, HealthIsKeptWhenGroupsChange) {
  Subject subject;
  FakeUpstream upstream(answering(1));
  subject.use_known({upstream.upstream()});

  subject.set({{.zone = name_of("test."), .upstreams = {upstream.upstream()}}});

  EXPECT_EQ(subject.forwarder->upstreams().at(0).state, "up");
}

// A resolver without a way to the root, or the server of an internal zone.
TEST(Upstreams, OneThatKnowsNothingOfTheRootStaysUp) {
  ForwardOptions options = test::quick();
  options.probe_every = milliseconds(20);
  Subject subject(options);
  FakeUpstream upstream(answering(1));
  upstream.set_knows_root(false);
  std::atomic<int> probes = 0;
  upstream.on_probe([&](std::uint64_t) { ++probes; });
  subject.use({upstream.upstream()});
  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 1);

  EXPECT_TRUE(test::eventually([&] {
    EXPECT_NE(subject.forwarder->upstreams().at(0).state, "down");
    return probes >= 10;
  })) << "it is probed with what it can answer";
  EXPECT_EQ(source_of(subject.ask("wwx.example.test.")), 1);
}

TEST(Upstreams, OneThatNoProbeFindsIsFoundByAQuestion) {
  for (const Rcode said : {Rcode::kNoError, Rcode::kNxDomain, Rcode::kServFail, Rcode::kRefused,
                           Rcode::kNotImp, Rcode::kFormErr}) {
    SCOPED_TRACE(text(said));
    Subject subject;
    FakeUpstream upstream(failing(said));
    upstream.set_knows_root(false);
    upstream.set_deaf(true);
    subject.use({upstream.upstream()});
    ASSERT_TRUE(test::eventually([&] {  // a suspect is still asked
      return subject.ask("www.example.test.").detail == "every upstream of . is down";
    }));

    upstream.set_deaf(false);

    EXPECT_TRUE(test::eventually([&] {
      const auto begun = steady_clock::now();
      (void)subject.ask("next.example.test.");
      EXPECT_LT(steady_clock::now() - begun, milliseconds(140)) << "nobody waits for it";
      return subject.forwarder->upstreams().at(0).state == "up";
    })) << "once the backoff has passed, whatever it says";
  }
}

TEST(Upstreams, OneThatIsDownGetsOneQuestionABackoff) {
  constexpr milliseconds kBackoff{200};
  ForwardOptions options = test::quick();
  options.probe_first = kBackoff;
  options.probe_max = kBackoff;
  Subject subject(options);
  FakeUpstream dead(silent());
  FakeUpstream other(answering(2));
  dead.set_knows_root(false);
  subject.use({dead.upstream(), other.upstream()});
  ASSERT_TRUE(subject.await_state(0, "down"));
  const int before = dead.questions();
  const auto begun = steady_clock::now();

  for (int i = 0; dead.questions() < before + 3; ++i) {
    ASSERT_LT(steady_clock::now() - begun, std::chrono::seconds(10));
    const auto asked_at = steady_clock::now();
    EXPECT_EQ(source_of(subject.ask(dsl::text("{}.example.test.", i))), 2);
    EXPECT_LT(steady_clock::now() - asked_at, milliseconds(140)) << "nobody waits for it";
  }

  EXPECT_GE(steady_clock::now() - begun, 2 * kBackoff);
  EXPECT_EQ(subject.forwarder->upstreams().at(0).state, "down");
  EXPECT_EQ(subject.forwarder->upstreams().at(0).asked, 0u) << "no question depends on it";
}

TEST(Upstreams, AFallbackThatIsDownSeesNoQuestionWhileOthersAnswer) {
  Subject subject;
  FakeUpstream normal(answering(1));
  FakeUpstream fallback(answering(9));
  fallback.set_knows_root(false);
  subject.use({normal.upstream()}, {fallback.upstream()});
  ASSERT_TRUE(subject.await_state(1, "down"));

  const auto until = steady_clock::now() + milliseconds(500);
  for (int i = 0; steady_clock::now() < until; ++i) {
    EXPECT_EQ(source_of(subject.ask(dsl::text("{}.example.test.", i))), 1);
  }

  EXPECT_EQ(fallback.questions(), 0);
}

TEST(Upstreams, OneThatKnowsNothingOfTheRootComesBackByItself) {
  Subject subject;
  FakeUpstream upstream(answering(1));
  upstream.set_knows_root(false);
  subject.use({upstream.upstream()});
  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 1);
  upstream.set_deaf(true);
  for (int i = 0; i < 3; ++i) {
    (void)subject.ask("wwx.example.test.");
  }
  ASSERT_TRUE(subject.await_state(0, "down"));

  upstream.set_deaf(false);

  EXPECT_TRUE(subject.await_state(0, "up")) << "by what it has answered before";
}

// What a server does whose own question comes in.
TEST(Upstreams, OneThatIsOurselvesIsFoundAndNotAsked) {
  Subject subject;
  FakeUpstream ourselves(answering(1));
  FakeUpstream other(answering(2));
  EXPECT_FALSE(subject.forwarder->is_own_nonce(12345));
  ourselves.on_probe(
      [&](std::uint64_t nonce) { EXPECT_TRUE(subject.forwarder->is_own_nonce(nonce)); });

  subject.use({ourselves.upstream(), other.upstream()});

  ASSERT_TRUE(subject.await_state(0, "loop"));
  const int before = ourselves.questions();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(source_of(subject.ask(dsl::text("{}.example.test.", i))), 2);
  }
  EXPECT_EQ(ourselves.questions(), before);
  EXPECT_EQ(subject.forwarder->upstreams().at(0).state, "loop") << "its answers do not end that";
}

TEST(Upstreams, OneThatIsOurselvesNoMoreIsAskedAgain) {
  ForwardOptions options = test::quick();
  options.probe_every = milliseconds(20);
  Subject subject(options);
  FakeUpstream upstream(answering(1));
  upstream.on_probe([&](std::uint64_t nonce) { (void)subject.forwarder->is_own_nonce(nonce); });
  subject.use({upstream.upstream()});
  ASSERT_TRUE(subject.await_state(0, "loop"));
  EXPECT_EQ(subject.ask("www.example.test.").rcode, Rcode::kServFail);

  upstream.on_probe({});

  ASSERT_TRUE(subject.await_state(0, "up"));
  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 1);
}

}  // namespace
}  // namespace mcns
