// Questions below a delegation: whom they go to, and what is kept of what comes back.
#include "mcns/forward/delegation_test_base.h"

namespace mcns {
namespace {

using std::chrono::milliseconds;
using test::a_record;
using test::answering;
using test::authoritative;
using test::cname_record;
using test::DelegationTest;
using test::failing;
using test::failure_to;
using test::FakeUpstream;
using test::FakeZones;
using test::kName;
using test::kZone;
using test::name_of;
using test::patient;
using test::quick;
using test::Received;
using test::record_of;
using test::referring;
using test::saying;
using test::Sent;
using test::serving;
using test::silent;
using test::soa_record;
using test::source_of;
using test::Subject;
using testing::HasSubstr;

TEST_F(DelegationTest, TheServersOfTheCutAreAskedWithoutRecursion) {
  FakeUpstream child(serving(7));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);

  const ForwardAnswer answer = ask();

  EXPECT_EQ(source_of(answer), 7);
  EXPECT_EQ(answer.rcode, Rcode::kNoError);
  EXPECT_THAT(answer.detail, HasSubstr("which serves child.example.test."));
  EXPECT_FALSE(child.received().at(0).message.recursion_desired);
  EXPECT_EQ(subject_->cached(kName)->answers.size(), 1U);
}

TEST_F(DelegationTest, OnlyWhoAsksForItGetsIt) {
  FakeUpstream child(serving(7));
  FakeUpstream upstream(answering(2));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);
  subject_->use({upstream.upstream()});

  EXPECT_EQ(source_of(subject_->ask(kName)), 2);
}

TEST_F(DelegationTest, AGroupOfTheZoneOrInsideOfItKnowsBetter) {
  FakeUpstream child(serving(7));
  FakeUpstream upstream(answering(2));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);

  const std::vector<std::pair<const char*, int>> cases{
      {".", 7}, {"example.test.", 7}, {kZone, 2}, {kName, 2}};
  for (const auto& [group, source] : cases) {
    subject_->set({{.zone = name_of(group), .upstreams = {upstream.upstream()}}});
    (void)subject_->cache->flush(Name().wire(), true);
    EXPECT_EQ(source_of(ask()), source) << group;
  }
  EXPECT_TRUE(upstream.received().at(0).message.recursion_desired);
}

TEST_F(DelegationTest, WhoIsDeadLameOrRefusesSendsUsToTheNext) {
  FakeUpstream good(serving(7));
  const std::vector<FakeUpstream::Handler> bad{failing(Rcode::kRefused),
                                               failing(Rcode::kServFail),
                                               answering(66),
                                               silent(),
                                               referring(".", "ns.elsewhere.net.", ""),
                                               referring(kZone, "ns.child.example.test.", "")};
  for (std::size_t i = 0; i < bad.size(); ++i) {
    FakeUpstream first(bad[i], 2, &good);
    FakeZones zones;
    zones.delegate(kZone, {{"ns1.child.example.test.", {first.address()}},
                           {"ns2.child.example.test.", {good.address()}}});
    ForwardOptions options = quick();
    options.own_zones = &zones;
    options.delegated_port = good.port();
    Subject subject(options);

    EXPECT_EQ(source_of(subject.ask({.name = name_of(kName), .below_cut = true})), 7) << i;
  }
}

TEST_F(DelegationTest, AllDeadIsAFailureWithItsReasonAndThenWhatIsStale) {
  FakeUpstream child(failing(Rcode::kRefused));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);

  const ForwardAnswer failed = ask();
  EXPECT_EQ(failed.rcode, Rcode::kServFail);
  EXPECT_EQ(failed.error, ExtendedError::kNoReachableAuthority);
  EXPECT_THAT(failed.detail, HasSubstr("said REFUSED"));

  child.set_handler(serving(7));
  EXPECT_EQ(source_of(ask()), 7);
  child.set_deaf(true);
  subject_->env.manual_clock().advance(std::chrono::seconds(61));
  const ForwardAnswer stale = ask();
  EXPECT_TRUE(stale.stale);
  EXPECT_EQ(source_of(stale), 7);
}

TEST_F(DelegationTest, WeAreNotAskedOurselves) {
  FakeUpstream own(serving(66));
  zones_.delegate(kZone, {{"ns.child.example.test.", {own.address()}}});
  start(own);
  dsl::test::require_ok(
      subject_->forwarder->set_groups({}, {dsl::env::join_host_port(own.address(), own.port())}));

  const ForwardAnswer answer = ask();

  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_EQ(answer.error, ExtendedError::kNoReachableAuthority);
  EXPECT_EQ(own.questions(), 0);
}

TEST_F(DelegationTest, ReferralsOfTheChildAreFollowed) {
  FakeUpstream child(silent());
  FakeUpstream deep(serving(9), 2, &child);
  child.set_handler(
      referring("deep.child.example.test.", "ns.deep.child.example.test.", deep.address()));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);

  const ForwardAnswer answer = ask("a.deep.child.example.test.");

  EXPECT_EQ(source_of(answer), 9);
  EXPECT_THAT(answer.detail, HasSubstr("which serves deep.child.example.test."));
}

// 0.0.0.0 leads to this machine, and so does an IPv4 address in an IPv6 one.
TEST_F(DelegationTest, GlueAtWhichNobodyIsIsNotAsked) {
  for (const auto& [type, address] :
       {std::pair(Type::kA, Bytes(4, '\0')), std::pair(Type::kAaaa, Bytes(16, '\0')),
        std::pair(Type::kAaaa, Bytes(10, '\0') + Bytes("\xff\xff\x7f\0\0\1", 6)),
        std::pair(Type::kA, Bytes("\xe0\0\0\xfb", 4)), std::pair(Type::kA, Bytes(4, '\xff'))}) {
    FakeUpstream child(saying([type = type, address = address](const Received& received) {
      Message message = failure_to(received, Rcode::kNoError);
      const std::string_view host = "ns.deep.child.example.test.";
      message.authorities = {
          record_of("deep.child.example.test.", Type::kNs, 60, name_of(host).wire())};
      message.additionals = {record_of(host, type, 60, address)};
      return message;
    }));
    FakeZones zones;
    zones.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
    ForwardOptions options = quick();
    options.own_zones = &zones;
    options.delegated_port = child.port();
    Subject subject(options);

    const ForwardAnswer answer =
        subject.ask({.name = name_of("a.deep.child.example.test."), .below_cut = true});

    EXPECT_EQ(answer.rcode, Rcode::kServFail);
    EXPECT_EQ(child.questions(), 1);
  }
}

TEST_F(DelegationTest, OfAZoneEightAddressesAreEnough) {
  FakeUpstream child(silent());
  FakeUpstream last(serving(9), 21, &child);
  child.set_handler(saying([](const Received& received) {
    Message message = failure_to(received, Rcode::kNoError);
    for (int i = 10; i <= 21; ++i) {  // nobody is at the others
      const std::string host = dsl::text("ns{}.deep.child.example.test.", i / 4);
      if (i % 4 == 0 || i == 10) {
        message.authorities.push_back(
            record_of("deep.child.example.test.", Type::kNs, 60, name_of(host).wire()));
      }
      message.additionals.push_back(
          record_of(host, Type::kA, 60, Bytes("\x7f\0\0", 3) + static_cast<char>(i)));
    }
    return message;
  }));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);

  EXPECT_EQ(ask("a.deep.child.example.test.").rcode, Rcode::kServFail);
  EXPECT_EQ(last.questions(), 0);
}

TEST_F(DelegationTest, ReferralsWithoutEndEnd) {
  FakeUpstream child(silent());
  std::string name = "child.example.test.";
  for (int i = 0; i < 30; ++i) {
    name = "a." + name;
  }
  // Each time one label closer.
  auto labels = std::make_shared<std::size_t>(3);
  child.set_handler(saying([labels](const Received& received) {
    Message message = failure_to(received, Rcode::kNoError);
    const Name zone = received.message.questions[0].name.suffix(++*labels);
    message.authorities = {
        record_of(zone.text(), Type::kNs, 60, name_of("ns." + zone.text()).wire())};
    message.additionals = {record_of("ns." + zone.text(), Type::kA, 60, Bytes("\x7f\0\0\1", 4))};
    return message;
  }));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);

  const ForwardAnswer answer = ask(name);

  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_THAT(answer.detail, HasSubstr("refers on and on"));
  EXPECT_LE(child.questions(), 10);
}

TEST_F(DelegationTest, AServerWithoutAnAddressIsLookedUp) {
  FakeUpstream child(serving(7));
  FakeUpstream upstream(silent());
  upstream.set_handler(saying([&](const Received& received) {
    Message message = failure_to(received, Rcode::kNoError);
    if (received.message.questions[0].type == Type::kA) {
      message.answers = {record_of("ns.elsewhere.net.", Type::kA, 60, Bytes("\x7f\0\0\1", 4))};
    } else {
      message.authorities = {soa_record("elsewhere.net.", 60, 60)};
    }
    return message;
  }));
  zones_.delegate(kZone, {{"ns.elsewhere.net.", {}}});
  start(child, patient());
  subject_->use({upstream.upstream()});

  EXPECT_EQ(source_of(ask()), 7);
  EXPECT_EQ(source_of(ask("other.child.example.test.")), 7);
  EXPECT_EQ(upstream.questions(), 2) << "A and AAAA; then the cache knows";
}

TEST_F(DelegationTest, WhereNothingCanBeSentTheNextHostIsLookedUp) {
  FakeUpstream child(serving(7));
  FakeUpstream upstream(saying([](const Received& received) {
    Message message = failure_to(received, Rcode::kNoError);
    if (received.message.questions[0].type == Type::kA) {
      message.answers = {record_of("ns.elsewhere.net.", Type::kA, 60, Bytes("\x7f\0\0\1", 4))};
    }
    return message;
  }));
  // Of a link that is not named.
  zones_.delegate(kZone, {{"ns.child.example.test.", {"fe80::1"}}, {"ns.elsewhere.net.", {}}});
  start(child);
  subject_->use({upstream.upstream()});

  EXPECT_EQ(source_of(ask()), 7);
}

TEST_F(DelegationTest, AServerThatAnotherDelegationKnowsIsLookedUpThere) {
  FakeUpstream child(serving(7));
  FakeUpstream sister(
      saying([](const Received& received) {
        return authoritative(
            received, {record_of("ns.sister.example.test.", Type::kA, 60, Bytes("\x7f\0\0\1", 4))});
      }),
      2, &child);
  zones_.delegate(kZone, {{"ns.sister.example.test.", {}}});
  zones_.delegate("sister.example.test.", {{"ns2.sister.example.test.", {sister.address()}}});
  start(child);

  EXPECT_EQ(source_of(ask()), 7);
}

TEST_F(DelegationTest, WhatAnotherDelegationSaidOfAServerIsKept) {
  FakeUpstream child(serving(7));
  FakeUpstream sister(
      saying([](const Received& received) {
        if (received.message.questions[0].type == Type::kA) {
          return authoritative(received, {record_of("ns.sister.example.test.", Type::kA, 60,
                                                    Bytes("\x7f\0\0\1", 4))});
        }
        return authoritative(received, {}, {soa_record("sister.example.test.", 60, 60)});
      }),
      2, &child);
  zones_.delegate(kZone, {{"ns.sister.example.test.", {}}});
  zones_.delegate("sister.example.test.", {{"ns2.sister.example.test.", {sister.address()}}});
  start(child, patient());

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(source_of(ask(dsl::text("q{}.child.example.test.", i))), 7);
    EXPECT_TRUE(test::eventually([&] { return sister.questions() >= 2; })) << "A and AAAA";
  }
  EXPECT_LE(sister.questions(), 3) << "the first AAAA may still be under way";
}

// It comes when all have been silent, and others are asked again.
TEST_F(DelegationTest, ALateAnswerIsGood) {
  FakeUpstream silent_one(silent());
  int asked = 0;
  FakeUpstream late(
      [&asked](const Received& received) {
        return ++asked > 1
                   ? std::vector<Sent>()
                   : std::vector<Sent>{
                         {.bytes = authoritative(received, {a_record(kName, 60, 7)}).encode(),
                          .after = milliseconds(450)}};
      },
      2, &silent_one);
  zones_.delegate(kZone, {{"ns1.child.example.test.", {silent_one.address()}},
                          {"ns2.child.example.test.", {late.address()}}});
  ForwardOptions options = quick();
  options.attempt_timeout = milliseconds(300);
  options.hedge_min = milliseconds(1000);
  options.timeout_total = milliseconds(2000);
  start(silent_one, options);

  EXPECT_EQ(source_of(ask()), 7);
}

// The child refers on while another server of its own zone is looked up.
TEST_F(DelegationTest, AnAddressThatIsFoundTooLateIsNoServerOfTheNextZone) {
  FakeUpstream child(silent());
  FakeUpstream other(serving(66), 3, &child);
  FakeUpstream deep(
      [](const Received& received) {
        return std::vector<Sent>{
            {.bytes = authoritative(received,
                                    {a_record(received.message.questions[0].name.text(), 60, 9)})
                          .encode(),
             .after = milliseconds(300)}};
      },
      2, &child);
  child.set_handler([&deep](const Received& received) {
    const auto refer =
        referring("deep.child.example.test.", "ns.deep.child.example.test.", deep.address());
    std::vector<Sent> sent = refer(received);
    sent.at(0).after = milliseconds(500);
    return sent;
  });
  FakeUpstream upstream([](const Received& received) {
    Message message = failure_to(received, Rcode::kNoError);
    message.answers = {record_of("ns.elsewhere.net.", Type::kA, 60, Bytes("\x7f\0\0\3", 4))};
    return std::vector<Sent>{{.bytes = message.encode(), .after = milliseconds(250)}};
  });
  zones_.delegate(kZone,
                  {{"ns.child.example.test.", {child.address()}}, {"ns.elsewhere.net.", {}}});
  ForwardOptions options = quick();
  options.attempt_timeout = milliseconds(400);
  options.timeout_total = milliseconds(4000);
  start(child, options);
  subject_->use({upstream.upstream()});

  EXPECT_EQ(source_of(ask("a.deep.child.example.test.")), 9);
  EXPECT_EQ(other.questions(), 0);
}

TEST_F(DelegationTest, WithoutAnyAddressItSaysSo) {
  FakeUpstream child(serving(7));
  zones_.delegate(kZone, {{"ns.child.example.test.", {}}});
  zones_.delegate("sister.example.test.", {{"ns.elsewhere.net.", {}}});
  start(child);

  EXPECT_EQ(ask().detail, "no address of a server of child.example.test. is known");
  EXPECT_EQ(ask("www.sister.example.test.").detail,
            "no address of a server of sister.example.test. is known");
}

// The one of a server has less time than the end of a chain.
TEST_F(DelegationTest, WhoHasMoreTimeDoesNotWaitForALookupThatEndsSoon) {
  FakeUpstream child(serving(7));
  FakeUpstream sister(
      [](const Received& received) {
        return std::vector<Sent>{
            {.bytes =
                 authoritative(received, {a_record("ns.sister.example.test.", 60, 5)}).encode(),
             .after = milliseconds(500)}};
      },
      2, &child);
  FakeUpstream third(saying([](const Received& received) {
                       return authoritative(received, {cname_record("www.third.example.test.", 60,
                                                                    "ns.sister.example.test.")});
                     }),
                     3, &child);
  zones_.delegate(kZone, {{"ns.sister.example.test.", {}}});
  zones_.delegate("sister.example.test.", {{"ns2.sister.example.test.", {sister.address()}}});
  zones_.delegate("third.example.test.", {{"ns.third.example.test.", {third.address()}}});
  ForwardOptions options = quick();
  options.attempt_timeout = milliseconds(300);
  options.timeout_total = milliseconds(3000);
  start(child, options);

  auto looking = subject_->begin({.name = name_of(kName), .below_cut = true});
  EXPECT_TRUE(test::eventually([&] { return sister.questions() > 0; }));
  const Message answer = parsed(ask("www.third.example.test."));

  ASSERT_EQ(answer.answers.size(), 2U);
  EXPECT_EQ(answer.answers[1], a_record("ns.sister.example.test.", 60, 5));
  (void)looking.get();
}

TEST_F(DelegationTest, ServersThatNeedEachOtherEnd) {
  FakeUpstream child(serving(7));
  zones_.delegate(kZone, {{"ns1.sister.example.test.", {}}, {"ns2.sister.example.test.", {}}});
  zones_.delegate("sister.example.test.",
                  {{"ns1.child.example.test.", {}}, {"ns2.child.example.test.", {}}});
  start(child);

  const ForwardAnswer answer = ask();

  EXPECT_EQ(answer.rcode, Rcode::kServFail);
  EXPECT_EQ(answer.error, ExtendedError::kNoReachableAuthority);
  EXPECT_EQ(child.questions(), 0);
}

TEST_F(DelegationTest, WhatIsOursMeanwhileIsAnsweredByUs) {
  FakeUpstream child(serving(7));
  zones_.have(a_record("new.example.test.", 300, 5));
  start(child);

  EXPECT_EQ(source_of(ask("new.example.test.")), 5);
  EXPECT_EQ(ask("gone.example.test.").rcode, Rcode::kNxDomain);
  EXPECT_FALSE(subject_->cached("new.example.test."));
}

TEST_F(DelegationTest, IdenticalQuestionsAreAskedOnce) {
  FakeUpstream child([](const Received& received) {
    return std::vector<Sent>{{.bytes = authoritative(received, {a_record(kName, 60, 7)}).encode(),
                              .after = milliseconds(10)}};
  });
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child, patient());

  std::vector<std::future<ForwardAnswer>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(subject_->begin({.name = name_of(kName), .below_cut = true}));
  }
  for (auto& each : all) {
    EXPECT_EQ(source_of(each.get()), 7);
  }
  EXPECT_EQ(child.questions(), 1);
}

// What is kept was said by servers that nobody is sent to any more.
TEST_F(DelegationTest, WhatWasAskedBeforeAFlushIsNotKept) {
  FakeUpstream child(silent());
  child.set_handler([&](const Received& received) {
    (void)subject_->cache->flush(name_of(kZone).wire(), true);
    return std::vector<Sent>{{.bytes = authoritative(received, {a_record(kName, 60, 7)}).encode()}};
  });
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);

  EXPECT_EQ(source_of(ask()), 7);
  EXPECT_FALSE(subject_->cached(kName));
}

// The worker looked at our zones before there was a delegation, which the engine sees flushed.
TEST_F(DelegationTest, WhatWasFoundBeforeAFlushIsNotKept) {
  FakeUpstream upstream(answering(2));
  start(upstream);
  subject_->use({upstream.upstream()});
  const std::uint64_t before = subject_->cache->generation();
  (void)subject_->cache->flush(name_of(kZone).wire(), true);

  EXPECT_EQ(source_of(subject_->ask({.name = name_of(kName), .generation = before})), 2);

  EXPECT_FALSE(subject_->cached(kName));
  EXPECT_EQ(source_of(subject_->ask(kName)), 2);
  EXPECT_TRUE(subject_->cached(kName));
}

TEST_F(DelegationTest, AServerThatComesBackIsAskedAgain) {
  FakeUpstream child(serving(7));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);
  child.set_deaf(true);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask().rcode, Rcode::kServFail);
  }

  child.set_deaf(false);

  EXPECT_TRUE(test::eventually([&] { return source_of(ask()) == 7; }));
}

TEST_F(DelegationTest, TooManyServersForgetTheOldest) {
  FakeUpstream first(serving(7));
  FakeUpstream second(serving(8), 2, &first);
  zones_.delegate(kZone, {{"ns.child.example.test.", {first.address()}}});
  zones_.delegate("sister.example.test.", {{"ns.sister.example.test.", {second.address()}}});
  ForwardOptions options = quick();
  options.delegated_servers_max = 1;
  start(first, options);

  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(source_of(ask(dsl::text("n{}.child.example.test.", i))), 7);
    EXPECT_EQ(source_of(ask(dsl::text("n{}.sister.example.test.", i))), 8);
  }
}

TEST_F(DelegationTest, TheEndTellsWhoWaitsForSomebodyElsesAddress) {
  FakeUpstream child(serving(7));
  FakeUpstream upstream(silent());
  zones_.delegate(kZone, {{"ns.elsewhere.net.", {}}});
  start(child);
  subject_->use({upstream.upstream()});

  auto waiting = subject_->begin({.name = name_of(kName), .below_cut = true});
  EXPECT_TRUE(test::eventually([&] { return upstream.questions() > 0; }));
  subject_->forwarder.reset();

  EXPECT_EQ(waiting.get().error, ExtendedError::kNotReady);
}

}  // namespace
}  // namespace mcns
