// One question: what is sent, what is taken for its answer, what is done with it.
#include "mcns/forward/forwarder.h"

#include <algorithm>
#include <set>

#include "mcns/events/query_events.h"
#include "mcns/forward/loop_options.h"
#include "mcns/forward/subject.h"

namespace mcns {
namespace {

using std::chrono::milliseconds;
using test::answer_to;
using test::answering;
using test::failing;
using test::failure_to;
using test::FakeUpstream;
using test::name_of;
using test::quick;
using test::Received;
using test::Sent;
using test::silent;
using test::source_of;
using test::Subject;

TEST(Forwarder, WithoutAnUpstreamThereIsNoAnswer) {
  Subject subject;

  const ForwardAnswer answer = subject.ask("www.example.test.");

  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_EQ(answer.error, ExtendedError::kNoReachableAuthority);
  EXPECT_EQ(subject.forwarder->group_of(name_of("www.example.test.")), "");
}

TEST(Forwarder, AnAnswerComesBackAndIsKept) {
  Subject subject;
  FakeUpstream upstream(answering(7));
  subject.use({upstream.upstream()});

  const ForwardAnswer answer = subject.ask("wWw.example.test.");

  EXPECT_EQ(answer.rcode, Rcode::kNoError);
  EXPECT_EQ(source_of(answer), 7);
  EXPECT_FALSE(answer.stale);
  EXPECT_THAT(answer.detail, testing::HasSubstr("127.0.0.1:"));
  const auto message = dsl::test::require_ok(Message::parse(answer.message));
  EXPECT_EQ(message.questions.at(0).name.wire(), name_of("wWw.example.test.").wire());
  EXPECT_TRUE(subject.cached("www.example.test."));
}

TEST(Forwarder, TheQuestionSaysWhatTheClientWants) {
  Subject subject;
  FakeUpstream upstream(answering());
  subject.use({upstream.upstream()});

  (void)subject.ask({.name = name_of("wWw.example.test."),
                     .type = Type::kMx,
                     .dnssec_ok = true,
                     .checking_disabled = true,
                     .hops = 1});

  const Message sent = upstream.received().at(0).message;
  EXPECT_EQ(sent.questions.at(0).name.wire(), name_of("wWw.example.test.").wire());
  EXPECT_EQ(sent.questions[0].type, Type::kMx);
  EXPECT_TRUE(sent.recursion_desired);
  EXPECT_TRUE(sent.checking_disabled);
  EXPECT_TRUE(sent.edns && sent.edns->dnssec_ok);
  EXPECT_EQ(sent.edns->options.at(0).code, kOptionHops);
  EXPECT_EQ(sent.edns->options[0].data, Bytes(1, '\2'));
}

TEST(Forwarder, LiesAreIgnoredAndTheWaitGoesOn) {
  const auto lying = [](const Received& received) {
    const Message truth = answer_to(received, 1);
    Message other_id = answer_to(received, 66);
    ++other_id.id;
    Message other_name = answer_to(received, 66);
    other_name.questions[0].name = name_of("wwx.example.test.");
    Message other_case = answer_to(received, 66);
    other_case.questions[0].name = name_of("WWW.example.test.");
    Message query = answer_to(received, 66);
    query.response = false;
    return std::vector<Sent>{{.bytes = answer_to(received, 66).encode(), .from_elsewhere = true},
                             {.bytes = other_id.encode()},
                             {.bytes = other_name.encode()},
                             {.bytes = other_case.encode()},
                             {.bytes = query.encode()},
                             {.bytes = "short"},
                             {.bytes = truth.encode(), .after = milliseconds(5)},
                             {.bytes = answer_to(received, 66).encode(), .after = milliseconds(6)}};
  };
  Subject subject;
  FakeUpstream upstream(lying);
  subject.use({upstream.upstream()});

  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 1);
  EXPECT_EQ(subject.cached("www.example.test.")->answers.at(0).rdata.back(), 1);
  EXPECT_EQ(upstream.questions(), 1);
}

TEST(Forwarder, AMalformedAnswerSendsUsToAnother) {
  Subject subject;
  FakeUpstream bad([](const Received& received) {
    return std::vector<Sent>{{.bytes = answer_to(received).encode() + "x"}};
  });
  FakeUpstream good(answering(2));
  subject.use({bad.upstream(), good.upstream()});

  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 2);
}

TEST(Forwarder, PortsAndIdsChange) {
  Subject subject;
  FakeUpstream upstream(answering());
  subject.use({upstream.upstream()});

  for (int i = 0; i < 300; ++i) {
    (void)subject.ask(dsl::text("host-{}.example.test.", i));
  }

  std::set<std::uint16_t> ports;
  std::set<std::uint16_t> ids;
  for (const Received& received : upstream.received()) {
    ports.insert(received.from_port);
    ids.insert(received.message.id);
  }
  EXPECT_GE(ports.size(), 14u);
  EXPECT_GE(ids.size(), 280u);
}

// Writes down what a tap is told.
class Notes final : public EventSink {
 public:
  struct Note {
    bool over_tcp;
    std::uint16_t port;
    Bytes query;
    Bytes response;
  };
  void take(const Event& event, std::int64_t) override {
    EXPECT_EQ(event.head.kind, EventHead::Kind::kUpstream);
    notes.push_back(
        {event.head.stream, event.head.peer.port, Bytes(event.query), Bytes(event.response)});
  }
  std::vector<Note> notes;
};

TEST(Forwarder, EveryMessageOfAnUpstreamIsTold) {
  QueryEvents events(dsl::env::system_env().clock());
  Notes tap;
  ForwardOptions options = quick();
  options.events = &events;
  FakeUpstream upstream([](const Received& received) {
    Message answer = received.over_tcp ? answer_to(received, 9) : failure_to(received, {});
    answer.truncated = !received.over_tcp;
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  {
    Subject subject(options);
    subject.use_known({upstream.upstream()});
    events.set_tap(&tap);
    EXPECT_EQ(source_of(subject.ask("www.example.test.")), 9);
  }
  events.set_tap(nullptr);

  ASSERT_GE(tap.notes.size(), 4u);  // a probe may be among them
  std::vector<std::string> seen;
  for (const Notes::Note& note : tap.notes) {
    const Message message =
        dsl::test::require_ok(Message::parse(note.query.empty() ? note.response : note.query));
    EXPECT_EQ(note.port, upstream.upstream().port);
    EXPECT_TRUE(note.query.empty() != note.response.empty());
    if (message.questions.at(0).name == name_of("www.example.test.")) {
      seen.push_back(dsl::text("{} {} {}", note.over_tcp ? "tcp" : "udp",
                               note.query.empty() ? "answer" : "query",
                               message.truncated ? "truncated" : ""));
      const auto received = upstream.received();
      EXPECT_TRUE(std::any_of(received.begin(), received.end(), [&](const Received& each) {
        return each.over_tcp == note.over_tcp && each.message.id == message.id;
      }));
    }
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"udp query ", "udp answer truncated", "tcp query ",
                                            "tcp answer "}));
}

TEST(Forwarder, WhatIsTruncatedIsAskedOverTcp) {
  Subject subject;
  FakeUpstream upstream([](const Received& received) {
    Message answer = received.over_tcp ? answer_to(received, 9) : failure_to(received, {});
    answer.truncated = !received.over_tcp;
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  subject.use({upstream.upstream()});

  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 9);
  EXPECT_EQ(upstream.questions(), 2);
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(Forwarder, ATruncatedAnswerWithoutTcpSendsUsToAnother) {
  Subject subject;
  FakeUpstream truncating([](const Received& received) {
    Message answer = failure_to(received, Rcode::kNoError);
    answer.truncated = true;
    return std::vector<Sent>{
        {.bytes = received.over_tcp ? Bytes() : answer.encode(), .then_close = true}};
  });
  FakeUpstream good(answering(2));
  subject.use({truncating.upstream(), good.upstream()});

  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 2);
}

TEST(Forwarder, ManyQuestionsShareATcpConnection) {
  Subject subject;
  // Answered in the other order.
  FakeUpstream upstream([](const Received& received) {
    const int number = received.message.questions.at(0).name.first_label().back() - '0';
    return std::vector<Sent>{
        {.bytes = answer_to(received).encode(), .after = milliseconds(50 - 5 * number)}};
  });
  subject.use_known({upstream.upstream(Upstream::Transport::kTcp)});

  std::vector<std::future<ForwardAnswer>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(subject.begin(dsl::text("host-{}.example.test.", i)));
  }

  for (auto& answer : answers) {
    EXPECT_EQ(answer.get().rcode, Rcode::kNoError);
  }
  EXPECT_EQ(upstream.connections(), 1);
  EXPECT_EQ(upstream.questions(), 8);
}

// RFC 7766 section 6.2.4.
TEST(Forwarder, AConnectionThatEndsIsMadeAnew) {
  Subject subject;
  std::atomic<int> count{0};
  FakeUpstream upstream([&](const Received& received) {
    // The first question over a connection is answered, the next one finds it closed.
    return ++count == 2 ? std::vector<Sent>{{.then_close = true}}
                        : std::vector<Sent>{{.bytes = answer_to(received).encode()}};
  });
  subject.use_known({upstream.upstream(Upstream::Transport::kTcp)});

  EXPECT_EQ(subject.ask("a.example.test.").rcode, Rcode::kNoError);
  EXPECT_EQ(subject.ask("b.example.test.").rcode, Rcode::kNoError);

  EXPECT_EQ(upstream.connections(), 2);
  EXPECT_EQ(subject.forwarder->upstreams().at(0).failed, 0u);
}

// MCNS section 7: SERVFAIL or REFUSED from one is retried at another, and never kept.
TEST(Forwarder, AFailureSendsUsToAnother) {
  for (const Rcode rcode : {Rcode::kServFail, Rcode::kRefused}) {
    Subject subject;
    FakeUpstream bad(failing(rcode));
    FakeUpstream good(answering(2));
    subject.use({bad.upstream(), good.upstream()});

    EXPECT_EQ(source_of(subject.ask("www.example.test.")), 2);
    EXPECT_EQ(bad.questions(), 1);
    EXPECT_EQ(subject.forwarder->upstreams().at(0).state, "up") << "it does answer";
  }
}

TEST(Forwarder, FailuresOfAllAreAServfailThatIsNotKept) {
  for (const Rcode rcode : {Rcode::kServFail, Rcode::kRefused, Rcode::kFormErr}) {
    Subject subject;
    FakeUpstream first(failing(rcode));
    FakeUpstream second(failing(rcode));
    subject.use({first.upstream(), second.upstream()});

    for (int i = 1; i <= 3; ++i) {
      const ForwardAnswer answer = subject.ask("www.example.test.");
      EXPECT_EQ(answer.rcode, Rcode::kServFail);
      EXPECT_EQ(answer.error, ExtendedError::kNoReachableAuthority);
      EXPECT_THAT(answer.detail, testing::HasSubstr("said " + text(rcode)));
      EXPECT_EQ(first.questions(), i) << "asked each time, once";
      EXPECT_EQ(second.questions(), i);
    }
    EXPECT_FALSE(subject.cached("www.example.test.", true));
  }
}

TEST(Forwarder, WhatAnUpstreamSaysAboutAFailureIsPassedOn) {
  Subject subject;
  FakeUpstream upstream([](const Received& received) {
    Message answer = failure_to(received, Rcode::kServFail);
    answer.edns->options = {{kOptionExtendedError, Bytes("\x00\x06", 2)}};
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  subject.use({upstream.upstream()});

  EXPECT_EQ(static_cast<int>(subject.ask("bogus.example.test.").error), 6) << "DNSSEC Bogus";
}

TEST(Forwarder, NegativeAnswersAreAnswers) {
  Subject subject;
  FakeUpstream upstream([](const Received& received) {
    Message answer = failure_to(received, Rcode::kNxDomain);
    answer.authorities = {test::soa_record("example.test.", 60, 60)};
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  subject.use({upstream.upstream()});

  EXPECT_EQ(subject.ask("nobody.example.test.").rcode, Rcode::kNxDomain);
  EXPECT_EQ(subject.cached("nobody.example.test.")->rcode, Rcode::kNxDomain);
}

TEST(Forwarder, ALostDatagramIsSentAgain) {
  Subject subject;
  std::atomic<int> count{0};
  FakeUpstream upstream([&](const Received& received) {
    return ++count == 1 ? std::vector<Sent>()
                        : std::vector<Sent>{{.bytes = answer_to(received).encode()}};
  });
  subject.use({upstream.upstream()});

  EXPECT_EQ(subject.ask("www.example.test.").rcode, Rcode::kNoError);
  EXPECT_EQ(upstream.questions(), 2);
}

TEST(Forwarder, ALateAnswerIsAnAnswer) {
  Subject subject;
  FakeUpstream upstream(answering(3, milliseconds(300)));  // twice the time of one attempt
  subject.use({upstream.upstream()});

  EXPECT_EQ(source_of(subject.ask("www.example.test.")), 3);
}

TEST(Forwarder, IdenticalQuestionsAreAskedOnce) {
  Subject subject;
  FakeUpstream upstream(answering(1, milliseconds(30)));
  subject.use({upstream.upstream()});

  std::vector<std::future<ForwardAnswer>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(subject.begin(i % 2 == 0 ? "www.example.test." : "WWW.Example.test."));
  }
  auto other = subject.begin({.name = name_of("www.example.test."), .dnssec_ok = true});

  for (auto& answer : answers) {
    EXPECT_EQ(source_of(answer.get()), 1);
  }
  EXPECT_EQ(source_of(other.get()), 1);
  EXPECT_EQ(upstream.questions(), 2);
}

// Two servers may be each other's upstream: what was passed on comes back with more hops.
TEST(Forwarder, AQuestionThatComesBackDoesNotWaitForItself) {
  Subject subject;
  FakeUpstream upstream(silent());
  subject.use({upstream.upstream()});

  auto ours = subject.begin({.name = name_of("www.example.test.")});
  auto back = subject.begin({.name = name_of("www.example.test."), .hops = 1});

  EXPECT_TRUE(test::eventually([&] { return upstream.questions() == 2; }));
}

TEST(Forwarder, HopsAreLimited) {
  Subject subject;
  FakeUpstream upstream(answering());
  subject.use({upstream.upstream()});

  EXPECT_EQ(subject.ask({.name = name_of("www.example.test."), .hops = 3}).rcode, Rcode::kNoError);
  EXPECT_EQ(subject.ask({.name = name_of("wwx.example.test."), .hops = 4}).rcode, Rcode::kServFail);
  EXPECT_EQ(upstream.questions(), 1);
}

TEST(Forwarder, OutstandingQuestionsAreBounded) {
  ForwardOptions options = test::quick();
  options.inflight_max = 5;
  Subject subject(options);
  FakeUpstream upstream(silent());
  subject.use({upstream.upstream()});
  std::vector<std::future<ForwardAnswer>> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(subject.begin(dsl::text("www.example-{}.test.", i)));
  }

  const ForwardAnswer answer = subject.ask("one-more.example.test.");

  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_EQ(answer.error, ExtendedError::kNetworkError);
}

// MCNS section 15: a flood of random names of one zone leaves room for all others.
TEST(Forwarder, OutstandingQuestionsOfOneZoneAreBounded) {
  ForwardOptions options = test::quick();
  options.inflight_per_zone_max = 3;
  Subject subject(options);
  FakeUpstream upstream([](const Received& received) {
    const bool victim = received.message.questions.at(0).name.is_within(name_of("victim.test."));
    return victim ? std::vector<Sent>()
                  : std::vector<Sent>{{.bytes = answer_to(received).encode()}};
  });
  subject.use({upstream.upstream()});
  std::vector<std::future<ForwardAnswer>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(subject.begin(dsl::text("x.random-{}.victim.test.", i)));
  }

  const ForwardAnswer refused = subject.ask("random-9.Victim.test.");
  EXPECT_EQ(refused.rcode, Rcode::kServFail);
  EXPECT_EQ(refused.error, ExtendedError::kNetworkError);
  EXPECT_EQ(subject.ask("www.other.test.").rcode, Rcode::kNoError);

  waiting.clear();
}

TEST(Forwarder, TheEndTellsThoseWhoWait) {
  auto subject = std::make_unique<Subject>();
  FakeUpstream upstream(silent());
  subject->use({upstream.upstream()});
  auto first = subject->begin("www.example.test.");
  EXPECT_TRUE(test::eventually([&] { return upstream.questions() > 0; }));
  auto second = subject->begin("wwx.example.test.");

  subject.reset();

  EXPECT_EQ(first.get().error, ExtendedError::kNotReady);
  EXPECT_EQ(second.get().error, ExtendedError::kNotReady);
}

// Of one name where it leads, of another the address.
FakeUpstream::Handler leading(std::string_view from, std::string_view to) {
  return [=, from = std::string(from), to = std::string(to)](const Received& received) {
    Message answer = answer_to(received, 5, 300);
    if (received.message.questions.at(0).name == name_of(from)) {
      answer.answers = {test::cname_record(from, 60, to)};
    }
    return std::vector<Sent>{{.bytes = answer.encode()}};
  };
}

TEST(WholeChain, WhatAnUpstreamOnlyLeadsToIsAskedForToo) {
  Subject subject;
  FakeUpstream upstream(leading("www.example.test.", "host.other.test."));
  subject.use({upstream.upstream()});

  EXPECT_EQ(dsl::test::require_ok(Message::parse(subject.ask("www.example.test.").message))
                .answers.size(),
            1U)
      << "nobody has asked for it";
  EXPECT_EQ(upstream.questions(), 1);
  const ForwardAnswer answer =
      subject.ask({.name = name_of("www.example.test."), .whole_chain = true});

  EXPECT_THAT(dsl::test::require_ok(Message::parse(answer.message)).answers,
              testing::ElementsAre(test::cname_record("www.example.test.", 60, "host.other.test."),
                                   test::a_record("host.other.test.", 300, 5)));
  EXPECT_EQ(upstream.questions(), 3);
  EXPECT_EQ(subject.cached("www.example.test.")->answers.size(), 2U);
}

TEST(WholeChain, WhatTheCacheHasOfTheRestIsUsed) {
  Subject subject;
  FakeUpstream upstream([](const Received& received) {
    const std::string name = received.message.questions.at(0).name.text();
    Message answer = answer_to(received, 5);
    if (name == "a.test." || name == "b.test.") {
      answer.answers = {test::cname_record(name, 60, name == "a.test." ? "b.test." : "c.test.")};
    }
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  subject.use({upstream.upstream()});
  (void)subject.ask("c.test.");

  const ForwardAnswer answer = subject.ask({.name = name_of("a.test."), .whole_chain = true});

  EXPECT_EQ(dsl::test::require_ok(Message::parse(answer.message)).answers.size(), 3U);
  EXPECT_EQ(upstream.questions(), 3) << "a and b";
}

// RFC 2308 section 2.2: the SOA says that the last name has none.
TEST(WholeChain, ADenialEndsIt) {
  for (const Rcode rcode : {Rcode::kNoError, Rcode::kNxDomain}) {
    Subject subject;
    FakeUpstream upstream([&](const Received& received) {
      Message answer = test::failure_to(received, rcode);
      answer.answers = {test::cname_record("www.example.test.", 60, "host.other.test.")};
      answer.authorities = {test::soa_record("other.test.", 60, 60)};
      return std::vector<Sent>{{.bytes = answer.encode()}};
    });
    subject.use({upstream.upstream()});

    const ForwardAnswer answer =
        subject.ask({.name = name_of("www.example.test."), .whole_chain = true});

    EXPECT_EQ(answer.rcode, rcode);
    EXPECT_EQ(upstream.questions(), 1);
  }
}

TEST(WholeChain, ALoopEnds) {
  Subject subject;
  FakeUpstream upstream([](const Received& received) {
    const std::string name = received.message.questions.at(0).name.text();
    Message answer = test::failure_to(received, Rcode::kNoError);
    answer.answers = {test::cname_record(name, 60, name == "a.test." ? "b.test." : "a.test.")};
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  subject.use({upstream.upstream()});

  const ForwardAnswer answer = subject.ask({.name = name_of("a.test."), .whole_chain = true});

  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_THAT(answer.detail, testing::HasSubstr("too many questions"));
  EXPECT_LE(upstream.questions(), 10);
}

}  // namespace
}  // namespace mcns
