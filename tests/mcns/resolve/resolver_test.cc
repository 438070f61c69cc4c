// What a worker makes of a question, with a forwarder that only writes down what it is asked.
#include "mcns/resolve/resolver.h"

#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "dsl/env/env.h"
#include "mcns/cache/messages.h"
#include "mcns/rdata/rdata.h"

namespace mcns {
namespace {

using test::a_record;
using test::Asked;
using test::name_of;
using test::record_of;
using test::response_to;
using test::soa_record;
using testing::ElementsAre;

constexpr std::int64_t kNow = 1'000'000;  // ms

class FakeForwarder : public Forwarder {
 public:
  dsl::Result<void> set_groups(std::vector<ForwardGroup>,
                               const std::vector<std::string>&) override {
    return {};
  }
  void ask(ForwardQuestion question, std::function<void(const ForwardAnswer&)> done) override {
    asked.push_back(question.name.text());
    below_cut.push_back(question.below_cut);
    whole_chain.push_back(question.whole_chain);
    generations.push_back(question.generation);
    done({});
  }
  std::vector<UpstreamState> upstreams() const override { return {}; }
  std::string group_of(const Name&) const override { return group; }
  bool is_own_nonce(std::uint64_t) override { return false; }
  void set_stale_after(std::chrono::milliseconds) override {}

  std::vector<std::string> asked;
  std::vector<bool> below_cut;
  std::vector<bool> whole_chain;
  std::vector<std::optional<std::uint64_t>> generations;
  std::string group = ".";
};

class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() {
    const Name origin = name_of("example.test.");
    Soa soa;
    soa.primary_ns = name_of("ns.example.test.");
    soa.admin_email = name_of("admin.example.test.");
    zone::Edit edit(zones_);
    edit.create(1, origin);
    edit.put(origin, {origin, Type::kSoa, 300, {soa.rdata()}});
    edit.put(origin, {name_of("host.example.test."), Type::kA, 300, {Bytes(4, '\1')}});
    edit.put(origin, {name_of("alias.example.test."),
                      Type::kCname,
                      300,
                      {name_of("www.elsewhere.net.").wire()}});
    edit.put(origin, {origin, Type::kAlias, 200, {name_of("www.elsewhere.net.").wire()}});
    edit.put(origin, {name_of("mail.example.test."), Type::kCname, 300, {origin.wire()}});
    edit.put(origin,
             {name_of("local.example.test."), Type::kAlias, 200, {name_of("localhost.").wire()}});
    edit.publish();
    client_.sin_family = AF_INET;
    client_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }

  Resolver::Handled handle(const Asked& asked, std::int64_t now_ms = kNow) {
    const zone::Pin version(reader_);
    Resolver::read(*version, asked.packet, question_);
    return resolver_.handle(*version, question_, asked.packet,
                            reinterpret_cast<const sockaddr*>(&client_), Transport::kUdp, now_ms,
                            buffer_.data(), buffer_.size(), pending_);
  }
  Message reply(std::size_t size) const {
    return dsl::test::require_ok(Message::parse({buffer_.data(), size}));
  }
  Message complete(const Message& response) {
    return reply(resolver_.complete(pending_,
                                    {.rcode = response.rcode, .message = response.encode()}, kNow,
                                    buffer_.data(), buffer_.size()));
  }
  void keep(std::string_view name, std::uint32_t ttl) {
    const Asked asked(name);
    cache_->insert(asked.query, response_to(asked, {a_record(name, ttl)}).encode(), kNow);
  }

  zone::Store zones_;
  zone::Reader reader_{zones_};
  std::unique_ptr<Cache> cache_ = Cache::make({.failure_ttl_s = 5}, 1);
  FakeForwarder forwarder_;
  ResolverParts parts_{
      .zones = zones_,
      .cache = *cache_,
      .forwarder = &forwarder_,
      .rules =
          ResolverRules{.allow_recursion = dsl::test::require_ok(Prefixes::parse({"private"}))},
      .events = nullptr};
  Counters counters_;
  Resolver resolver_{parts_, counters_};
  sockaddr_in client_{};
  mcns::Asked question_;
  Pending pending_;
  std::array<char, 65535> buffer_{};
};

// RFC 6761, 7686, 6303.
TEST_F(ResolverTest, SpecialNamesAreAnsweredWithAnyDefaultUpstreamAndWithout) {
  for (const char* group : {".", ""}) {
    forwarder_.group = group;
    const auto local = handle(Asked("localhost."));
    ASSERT_EQ(local.outcome, Resolver::Outcome::kReply) << "group " << group;
    EXPECT_EQ(reply(local.size).answers.size(), 1U);
    for (const char* name : {"name.onion.", "1.1.168.192.in-addr.arpa."}) {
      const auto handled = handle(Asked(name));
      ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply) << name << " group " << group;
      EXPECT_EQ(reply(handled.size).rcode, Rcode::kNxDomain) << name;
    }
  }
}

TEST_F(ResolverTest, AForwardThatNamesASpecialNameKnowsMore) {
  forwarder_.group = "168.192.in-addr.arpa.";

  EXPECT_EQ(handle(Asked("1.1.168.192.in-addr.arpa.")).outcome, Resolver::Outcome::kPending);
}

TEST_F(ResolverTest, WhatAChainOfOursLeadsToIsAskedForAgainBeforeItEnds) {
  keep("www.elsewhere.net.", 100);

  for (int i = 0; i < 2; ++i) {
    const auto handled = handle(Asked("alias.example.test."), kNow + 95'000);
    ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
    EXPECT_EQ(reply(handled.size).answers.size(), 2U);
  }

  EXPECT_THAT(forwarder_.asked, ElementsAre("www.elsewhere.net."));
}

// A zone of ours with a delegation, which is followed.
class DelegationTest : public ResolverTest {
 protected:
  DelegationTest() {
    const Name origin = name_of("example.test.");
    zone::Edit edit(zones_);
    const auto put = [&](std::string_view name, Type type, Bytes rdata) {
      edit.put(origin, {name_of(name), type, 300, {std::move(rdata)}});
    };
    put("child.example.test.", Type::kNs, name_of("ns.child.example.test.").wire());
    put("child.example.test.", Type::kDs, Bytes("\0\1\x0d\2", 4) + Bytes(32, '\1'));
    put("ns.child.example.test.", Type::kA, Bytes(4, '\1'));
    put("to-child.example.test.", Type::kCname, name_of("www.child.example.test.").wire());
    put("is-child.example.test.", Type::kAlias, name_of("www.child.example.test.").wire());
    edit.publish();
    follow(true);
  }
  void follow(bool follow) {
    ResolverRules rules = *parts_.rules.get();
    rules.answer.follow_delegations = follow;
    parts_.rules.set(std::move(rules));
    resolver_.renew_rules();
  }
  void become_a_stranger() { client_.sin_addr.s_addr = htonl(0xcb007107); }  // 203.0.113.7
  static Message without_recursion(std::string_view name) {
    Message message = Asked::make(name, Type::kA);
    message.recursion_desired = false;
    return message;
  }
  void expect_referral(const Asked& asked) {
    const auto handled = handle(asked);
    ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
    const Message said = reply(handled.size);
    EXPECT_FALSE(said.authoritative);
    ASSERT_EQ(said.authorities.size(), 1U);
    EXPECT_EQ(said.authorities[0].type, Type::kNs);
    EXPECT_EQ(said.additionals.size(), 1U);
  }
};

TEST_F(DelegationTest, WhatIsBelowGoesToItsServers) {
  const Asked asked("www.Child.example.test.");
  ASSERT_EQ(handle(asked).outcome, Resolver::Outcome::kPending);
  resolver_.forward(pending_, [](const ForwardAnswer&) {});
  EXPECT_THAT(forwarder_.asked, ElementsAre("www.Child.example.test."));
  EXPECT_THAT(forwarder_.below_cut, ElementsAre(true));

  const Message said = complete(response_to(asked, {a_record("www.Child.example.test.", 60)}));

  EXPECT_FALSE(said.authoritative);
  EXPECT_TRUE(said.recursion_available);
  EXPECT_EQ(said.answers.size(), 1U);
  EXPECT_TRUE(said.authorities.empty());
}

TEST_F(DelegationTest, WhatTheCacheHasOfItIsTakenFromItAndAskedForAgain) {
  keep("www.child.example.test.", 100);
  for (int i = 0; i < 2; ++i) {
    const auto handled = handle(Asked("www.child.example.test."), kNow + 95'000);
    ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
    EXPECT_EQ(handled.path, AnswerPath::kCache);
    EXPECT_EQ(reply(handled.size).answers.size(), 1U);
  }

  EXPECT_THAT(forwarder_.below_cut, ElementsAre(true));
}

TEST_F(DelegationTest, WithoutTheWishOrTheRightItIsAReferral) {
  keep("www.child.example.test.", 100);
  expect_referral(Asked(without_recursion("www.child.example.test.")));
  become_a_stranger();
  expect_referral(Asked("www.child.example.test."));
}

TEST_F(DelegationTest, NotFollowedItIsAReferralForEverybody) {
  follow(false);
  expect_referral(Asked("www.child.example.test."));
}

// RFC 4035 section 3.1.4.1.
TEST_F(DelegationTest, TheDsOfTheCutIsOurs) {
  const auto handled = handle(Asked("child.example.test.", Type::kDs));
  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  EXPECT_TRUE(reply(handled.size).authoritative);
  EXPECT_EQ(reply(handled.size).answers.size(), 1U);
}

TEST_F(DelegationTest, AChainOfOursGoesOnThere) {
  ASSERT_EQ(handle(Asked("to-child.example.test.")).outcome, Resolver::Outcome::kPending);
  EXPECT_TRUE(pending_.below_cut);
  EXPECT_EQ(pending_.target, name_of("www.child.example.test.").wire());

  const Message said = complete(
      response_to(Asked("www.child.example.test."), {a_record("www.child.example.test.", 60)}));

  EXPECT_THAT(said.answers, ElementsAre(test::cname_record("to-child.example.test.", 300,
                                                           "www.child.example.test."),
                                        a_record("www.child.example.test.", 60)));
}

TEST_F(DelegationTest, AnAliasOfOursGoesOnThereForEverybody) {
  become_a_stranger();
  ASSERT_EQ(handle(Asked(without_recursion("is-child.example.test."))).outcome,
            Resolver::Outcome::kPending);
  EXPECT_TRUE(pending_.below_cut);

  follow(false);
  ASSERT_EQ(handle(Asked("is-child.example.test.")).outcome, Resolver::Outcome::kPending);
  EXPECT_FALSE(pending_.below_cut);
}

// RFC 6303: but whoever has the zone has said who knows its names.
TEST_F(DelegationTest, ASpecialNameThatWeDelegateIsAskedFor) {
  const Name origin = name_of("10.in-addr.arpa.");
  zone::Edit edit(zones_);
  edit.create(2, origin);
  Soa soa;
  soa.primary_ns = name_of("ns.example.test.");
  soa.admin_email = name_of("admin.example.test.");
  edit.put(origin, {origin, Type::kSoa, 300, {soa.rdata()}});
  edit.put(
      origin,
      {name_of("5.10.in-addr.arpa."), Type::kNs, 300, {name_of("ns.child.example.test.").wire()}});
  edit.publish();

  EXPECT_EQ(handle(Asked("1.2.5.10.in-addr.arpa.", Type::kPtr)).outcome,
            Resolver::Outcome::kPending);
  EXPECT_TRUE(pending_.below_cut);
}

// RFC 8914 section 4.14.
TEST_F(ResolverTest, AKeptFailureSaysThatItIsOne) {
  Message query = Asked::make("www.elsewhere.net.", Type::kA);
  query.edns = Edns{};
  const Asked asked(query);
  Message failure = response_to(asked, {}, {}, Rcode::kServFail);
  cache_->insert(asked.query, failure.encode(), kNow);

  const auto handled = handle(asked);

  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  const Message said = reply(handled.size);
  EXPECT_EQ(said.rcode, Rcode::kServFail);
  ASSERT_TRUE(said.edns);
  ASSERT_EQ(said.edns->options.size(), 1U);
  EXPECT_EQ(said.edns->options[0].code, kOptionExtendedError);
  EXPECT_EQ(said.edns->options[0].data, Bytes("\x00\x0d", 2));
}

// An ALIAS at the apex; the target is somebody else's.
class AliasTest : public ResolverTest {
 protected:
  AliasTest() { client_.sin_addr.s_addr = htonl(0xcb007107); }  // 203.0.113.7: a stranger

  static Message query(std::string_view name, Type type = Type::kA) {
    Message message = Asked::make(name, type);
    message.recursion_desired = false;
    message.edns = Edns{};
    return message;
  }
  static ExtendedError reason(const Message& message) {
    MC_ASSERT(message.edns && message.edns->options.size() == 1, "there is one");
    return static_cast<ExtendedError>(message.edns->options[0].data[1]);
  }
  Message complete(const ForwardAnswer& answer) {
    return reply(resolver_.complete(pending_, answer, kNow, buffer_.data(), buffer_.size()));
  }
};

TEST_F(AliasTest, AStrangerWithoutRecursionGetsTheAddressesOfTheTarget) {
  ASSERT_EQ(handle(Asked(query("Example.test."))).outcome, Resolver::Outcome::kPending);
  EXPECT_EQ(pending_.target, name_of("www.elsewhere.net.").wire());
  const Asked upstream("www.elsewhere.net.");

  const Message said = complete(
      {.rcode = Rcode::kNoError,
       .message =
           response_to(
               upstream,
               {test::cname_record("www.elsewhere.net.", 90, "x.elsewhere.net."),
                a_record("x.elsewhere.net.", 100, 1), a_record("x.elsewhere.net.", 100, 2)},
               {record_of("elsewhere.net.", Type::kNs, 60, name_of("ns.elsewhere.net.").wire())})
               .encode()});

  EXPECT_TRUE(said.authoritative);
  EXPECT_FALSE(said.recursion_available);
  EXPECT_THAT(said.answers,
              ElementsAre(a_record("Example.test.", 90, 1), a_record("Example.test.", 90, 2)));
  EXPECT_TRUE(said.authorities.empty());
  EXPECT_EQ(said.rcode, Rcode::kNoError);
}

TEST_F(AliasTest, WhatTheCacheHasIsTakenFromIt) {
  keep("www.elsewhere.net.", 150);

  const auto handled = handle(Asked(query("mail.example.test.")), kNow + 20'000);

  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  EXPECT_THAT(reply(handled.size).answers,
              ElementsAre(test::cname_record("mail.example.test.", 300, "example.test."),
                          a_record("example.test.", 130)));
}

TEST_F(AliasTest, TheWholeChainIsAskedForAsItsClientSeesNoCname) {
  ASSERT_EQ(handle(Asked(query("example.test."))).outcome, Resolver::Outcome::kPending);
  resolver_.forward(pending_, [](const ForwardAnswer&) {});

  client_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(handle(Asked("alias.example.test.")).outcome, Resolver::Outcome::kPending);
  resolver_.forward(pending_, [](const ForwardAnswer&) {});

  EXPECT_THAT(forwarder_.whole_chain, ElementsAre(true, false));
}

// RFC 2308 section 2.2: its own zone says that there is none.
TEST_F(AliasTest, ATargetThatIsNotThereLeavesTheOwnerWithoutAddresses) {
  for (const Rcode rcode : {Rcode::kNoError, Rcode::kNxDomain}) {
    ASSERT_EQ(handle(Asked(query("example.test."))).outcome, Resolver::Outcome::kPending);
    const Message nothing =
        response_to(Asked("www.elsewhere.net."), {}, {soa_record("elsewhere.net.", 60, 60)}, rcode);

    const Message said = complete({.rcode = rcode, .message = nothing.encode()});

    EXPECT_EQ(said.rcode, Rcode::kNoError);
    EXPECT_TRUE(said.authoritative);
    EXPECT_TRUE(said.answers.empty());
    ASSERT_EQ(said.authorities.size(), 1U);
    EXPECT_EQ(said.authorities[0].name, name_of("example.test."));
  }
}

TEST_F(AliasTest, AFailureIsAFailureWithItsReason) {
  ASSERT_EQ(handle(Asked(query("example.test."))).outcome, Resolver::Outcome::kPending);

  const Message said = complete({.error = ExtendedError::kNoReachableAuthority});

  EXPECT_EQ(said.rcode, Rcode::kServFail);
  EXPECT_TRUE(said.answers.empty() && said.authorities.empty());
  EXPECT_EQ(reason(said), ExtendedError::kNoReachableAuthority);

  parts_.forwarder = nullptr;
  const auto without = handle(Asked(query("example.test.")));
  ASSERT_EQ(without.outcome, Resolver::Outcome::kReply);
  EXPECT_EQ(reply(without.size).rcode, Rcode::kServFail);
}

TEST_F(AliasTest, AnOldAnswerIsMarked) {
  ASSERT_EQ(handle(Asked(query("example.test."))).outcome, Resolver::Outcome::kPending);
  const Asked upstream("www.elsewhere.net.");

  const Message said =
      complete({.rcode = Rcode::kNoError,
                .message = response_to(upstream, {a_record("www.elsewhere.net.", 30)}).encode(),
                .stale = true,
                .error = ExtendedError::kStaleAnswer});

  EXPECT_THAT(said.answers, ElementsAre(a_record("example.test.", 30)));
  EXPECT_EQ(reason(said), ExtendedError::kStaleAnswer);
}

TEST_F(AliasTest, ATargetThatNeverLeavesTheHouseHasNoAddresses) {
  const auto handled = handle(Asked(query("local.example.test.")));

  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  EXPECT_EQ(reply(handled.size).rcode, Rcode::kNoError);
  EXPECT_EQ(reply(handled.size).authorities.size(), 1U);
  EXPECT_THAT(forwarder_.asked, ElementsAre());
}

TEST_F(AliasTest, OtherTypesAreOfTheNameItself) {
  const auto handled = handle(Asked(query("example.test.", Type::kMx)));

  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  EXPECT_EQ(reply(handled.size).authorities.size(), 1U);
}

// RFC 2181 section 9.
TEST_F(ResolverTest, WhatAFreshAnswerCanDoWithoutIsLeftOutBeforeItIsTruncated) {
  const Asked asked("www.elsewhere.net.");
  ASSERT_EQ(handle(asked).outcome, Resolver::Outcome::kPending);
  Message response = response_to(
      asked, {a_record("www.elsewhere.net.", 60)},
      {record_of("elsewhere.net.", Type::kNs, 60, name_of("ns.elsewhere.net.").wire())});
  for (int i = 0; i < 30; ++i) {
    response.additionals.push_back(a_record("ns.elsewhere.net.", 60, static_cast<char>(i)));
  }

  const Message without_additional = complete(response);
  EXPECT_FALSE(without_additional.truncated);
  EXPECT_EQ(without_additional.answers.size(), 1U);
  EXPECT_EQ(without_additional.authorities.size(), 1U);
  EXPECT_EQ(without_additional.additionals.size(), 0U);

  for (int i = 0; i < 40; ++i) {
    response.answers.push_back(a_record("www.elsewhere.net.", 60, static_cast<char>(i + 2)));
  }
  const Message truncated = complete(response);
  EXPECT_TRUE(truncated.truncated);
  EXPECT_EQ(truncated.answers.size(), 0U);
  EXPECT_EQ(truncated.questions.size(), 1U);
}

// RFC 6840 section 5.8.
TEST_F(ResolverTest, WhatAnUpstreamHasValidatedIsSaidToWhoAsksForIt) {
  for (const bool wanted : {false, true}) {
    Message query = Asked::make("www.elsewhere.net.", Type::kA);
    query.authentic_data = wanted;
    const Asked asked(query);
    ASSERT_EQ(handle(asked).outcome, Resolver::Outcome::kPending);
    Message response = response_to(asked, {a_record("www.elsewhere.net.", 60)});
    response.authentic_data = true;

    EXPECT_EQ(complete(response).authentic_data, wanted);
  }
}

TEST_F(ResolverTest, OtherRulesHoldFromTheirRenewalOn) {
  const Asked asked("www.elsewhere.net.");
  ASSERT_EQ(handle(asked).outcome, Resolver::Outcome::kPending);

  parts_.rules.set({});
  EXPECT_EQ(handle(asked).outcome, Resolver::Outcome::kPending) << "no question looks for them";
  resolver_.renew_rules();

  const auto handled = handle(asked);
  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  EXPECT_EQ(reply(handled.size).rcode, Rcode::kRefused);
}

TEST_F(ResolverTest, TheSectionThatProvesIsNotLeftOut) {
  const Asked asked("nobody.elsewhere.net.");
  ASSERT_EQ(handle(asked).outcome, Resolver::Outcome::kPending);
  Message response = response_to(asked, {}, {}, Rcode::kNxDomain);
  for (int i = 0; i < 30; ++i) {
    response.authorities.push_back(soa_record("elsewhere.net.", 60, 60));
  }

  const Message truncated = complete(response);
  EXPECT_TRUE(truncated.truncated);
  EXPECT_EQ(truncated.rcode, Rcode::kNxDomain);
  EXPECT_EQ(truncated.authorities.size(), 0U);
}

// What a DNAME makes lies in the walk through the zones, which is over when the target is asked
// for.
TEST_F(AliasTest, ATargetThatADnameMadeOutlivesTheWalk) {
  const Name origin = name_of("example.test.");
  constexpr int kLinks = 12;
  zone::Edit edit(zones_);
  edit.put(origin, {name_of("d.example.test."), Type::kDname, 300, {name_of("out.net.").wire()}});
  std::string last = "x.d.example.test.";
  for (int i = 0; i < kLinks; ++i) {
    const std::string link = "c" + std::to_string(i) + ".example.test.";
    edit.put(origin, {name_of(link), Type::kCname, 300, {name_of(last).wire()}});
    last = link;
  }
  edit.put(origin, {name_of("deep.example.test."), Type::kAlias, 300, {name_of(last).wire()}});
  edit.publish();

  ASSERT_EQ(handle(Asked(query("deep.example.test."))).outcome, Resolver::Outcome::kPending);
  EXPECT_EQ(pending_.target, name_of("x.out.net.").wire());
}

// --- who wants to know ---

// Writes down what a tap is told.
class Notes final : public EventSink {
 public:
  struct Note {
    std::string path;
    Rcode rcode;
    Bytes query;
    Bytes response;
    std::int64_t took_ns;
  };
  void take(const Event& event, std::int64_t) override {
    notes.push_back({std::string(text(event.head.path)), event.head.rcode, Bytes(event.query),
                     Bytes(event.response), event.head.took_ns});
  }
  std::vector<Note> notes;
};

std::int64_t mono_ns() {
  return std::chrono::nanoseconds(dsl::env::system_env().clock().mono_now().time_since_epoch())
      .count();
}

class ToldResolverTest : public ResolverTest {
 protected:
  ToldResolverTest() {
    parts_.events = &events_;
    told_.emplace(parts_, counters_);
    events_.set_tap(&notes_);
  }
  ~ToldResolverTest() override { events_.set_tap(nullptr); }

  Resolver::Handled tell(const Asked& asked) {
    const zone::Pin version(reader_);
    told_->begin(mono_ns());
    Resolver::read(*version, asked.packet, question_);
    return told_->handle(*version, question_, asked.packet,
                         reinterpret_cast<const sockaddr*>(&client_), Transport::kUdp, kNow,
                         buffer_.data(), buffer_.size(), pending_);
  }
  // What was told since the last call, which has to be one answer.
  Notes::Note told() {
    events_.drain();
    EXPECT_EQ(notes_.notes.size(), 1U);
    return std::exchange(notes_.notes, {}).at(0);
  }
  Bytes sent(std::size_t size) const { return Bytes(buffer_.data(), size); }

  QueryEvents events_{dsl::env::system_env().clock()};
  Notes notes_;
  std::optional<Resolver> told_;
};

TEST_F(ToldResolverTest, EveryAnswerIsToldAsItWasSent) {
  keep("kept.elsewhere.net.", 100);
  struct Row {
    const char* name;
    const char* path;
    Rcode rcode;
  };
  for (const Row& row : {Row{"host.example.test.", "zone", Rcode::kNoError},
                         Row{"gone.example.test.", "zone", Rcode::kNxDomain},
                         Row{"name.onion.", "special", Rcode::kNxDomain},
                         Row{"kept.elsewhere.net.", "cache", Rcode::kNoError}}) {
    const Asked asked(row.name);
    const auto handled = tell(asked);
    ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply) << row.name;
    const Notes::Note note = told();
    EXPECT_EQ(note.path, row.path) << row.name;
    EXPECT_EQ(note.rcode, row.rcode) << row.name;
    EXPECT_EQ(note.query, asked.packet) << row.name;
    EXPECT_EQ(note.response, sent(handled.size)) << row.name;
    EXPECT_GE(note.took_ns, 0) << row.name;
  }
}

TEST_F(ToldResolverTest, AForwardedAnswerIsToldWhenItIsThere) {
  const Asked asked("www.elsewhere.net.");
  ASSERT_EQ(tell(asked).outcome, Resolver::Outcome::kPending);
  events_.drain();
  EXPECT_TRUE(notes_.notes.empty());

  const Message response = response_to(asked, {a_record("www.elsewhere.net.", 60)});
  const std::size_t size =
      told_->complete(pending_, {.rcode = response.rcode, .message = response.encode()}, kNow,
                      buffer_.data(), buffer_.size());

  const Notes::Note note = told();
  EXPECT_EQ(note.path, "forward");
  EXPECT_EQ(note.query, asked.packet);
  EXPECT_EQ(note.response, sent(size));
}

TEST_F(ToldResolverTest, AQuestionThatCannotBeReadIsToldAsItCame) {
  const Asked good("www.example.test.");
  const Bytes packet = good.packet.substr(0, good.packet.size() - 3);
  const zone::Pin version(reader_);
  told_->begin(mono_ns());
  Resolver::read(*version, packet, question_);
  const auto handled =
      told_->handle(*version, question_, packet, reinterpret_cast<const sockaddr*>(&client_),
                    Transport::kUdp, kNow, buffer_.data(), buffer_.size(), pending_);

  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  const Notes::Note note = told();
  EXPECT_EQ(note.rcode, Rcode::kFormErr);
  EXPECT_EQ(note.query, packet);
}

// A delegation that is published meanwhile flushes what this must not bring back.
TEST_F(ResolverTest, AQuestionHasTheGenerationOfBeforeItsVersion) {
  resolver_.begin(1'000'000);
  const std::uint64_t before = cache_->generation();
  cache_->flush(name_of("elsewhere.net.").wire(), true);
  ASSERT_NE(cache_->generation(), before);

  ASSERT_EQ(handle(Asked("www.elsewhere.net.")).outcome, Resolver::Outcome::kPending);
  resolver_.forward(pending_, [](const ForwardAnswer&) {});

  EXPECT_THAT(forwarder_.generations, ElementsAre(before));
}

TEST_F(ResolverTest, ABatchSharesItsTimeAmongItsQuestions) {
  keep("kept.elsewhere.net.", 100);
  resolver_.begin(1'000'000);
  for (const char* name :
       {"host.example.test.", "gone.example.test.", "kept.elsewhere.net.", "www.elsewhere.net."}) {
    handle(Asked(name));
  }
  resolver_.end(1'000'000 + 4 * 700, 4);

  EXPECT_EQ(counters_.zones_took.sum_ns(), 2 * 700U);
  EXPECT_EQ(counters_.zones_took.count(2), 2U);  // above 500 ns, at most 1 us
  EXPECT_EQ(counters_.cache_took.sum_ns(), 700U);
  EXPECT_EQ(counters_.forward_took.sum_ns(), 0U);
}

}  // namespace
}  // namespace mcns
