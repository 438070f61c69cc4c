// What a delegated server is believed, and what not.
#include "mcns/forward/child_answer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "mcns/cache/messages.h"

namespace mcns {
namespace {

using test::a_record;
using test::Asked;
using test::cname_record;
using test::name_of;
using test::record_of;
using test::response_to;
using test::soa_record;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = ChildAnswer::Kind;

constexpr const char* kZone = "child.example.test.";

Record ns_record(std::string_view zone, std::string_view host) {
  return record_of(zone, Type::kNs, 60, name_of(host).wire());
}

// We serve, or forward, sub.child.example.test.
bool is_known_elsewhere(const Name& name) {
  return name.is_within(name_of("sub.child.example.test."));
}

ChildAnswer read(const Message& message) {
  const Question& question = message.questions.at(0);
  return read_child_answer({.name = question.name, .type = question.type}, name_of(kZone),
                           is_known_elsewhere, message.encode());
}

Message authoritative(const Asked& asked, std::vector<Record> answers = {},
                      std::vector<Record> authorities = {}, Rcode rcode = Rcode::kNoError) {
  Message message = response_to(asked, std::move(answers), std::move(authorities), rcode);
  message.authoritative = true;
  message.recursion_available = false;
  return message;
}

std::vector<std::string> names_of(const std::vector<Record>& records) {
  std::vector<std::string> names;
  for (const Record& record : records) {
    names.push_back(record.name.text() + " " + text(record.type));
  }
  return names;
}

Message kept(const ChildAnswer& answer) {
  return dsl::test::require_ok(Message::parse(answer.message));
}

TEST(ChildAnswer, WhatIsNoMessageIsMalformed) {
  const Asked asked("www.child.example.test.");
  const Message message = authoritative(asked, {a_record("www.child.example.test.", 60)});
  const Bytes whole = message.encode();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(read_child_answer({.name = message.questions[0].name}, name_of(kZone),
                                is_known_elsewhere, whole.substr(0, size))
                  .kind,
              Kind::kMalformed);
  }
  Message truncated = message;
  truncated.truncated = true;
  EXPECT_EQ(read(truncated).kind, Kind::kMalformed);
}

TEST(ChildAnswer, AnAnswerIsTakenWithoutWhatOnlyAResolverMaySay) {
  const Asked asked("www.child.example.test.");
  Message message = authoritative(asked, {a_record("www.child.example.test.", 60)},
                                  {ns_record(kZone, "ns.child.example.test.")});
  message.authentic_data = true;
  message.additionals = {a_record("ns.child.example.test.", 60)};

  const ChildAnswer answer = read(message);

  ASSERT_EQ(answer.kind, Kind::kGood);
  EXPECT_FALSE(kept(answer).authentic_data);
  EXPECT_FALSE(kept(answer).authoritative);
  EXPECT_THAT(names_of(kept(answer).answers), ElementsAre("www.child.example.test. A"));
  EXPECT_THAT(names_of(kept(answer).authorities), ElementsAre("child.example.test. NS"));
  EXPECT_THAT(names_of(kept(answer).additionals), ElementsAre("ns.child.example.test. A"));
}

TEST(ChildAnswer, RecordsOfOtherZonesAreDropped) {
  const Asked asked("www.child.example.test.", Type::kMx);
  Message message = authoritative(
      asked,
      {record_of("www.child.example.test.", Type::kMx, 60,
                 Bytes("\0\1", 2) + name_of("www.example.test.").wire()),
       a_record("www.example.test.", 60)},
      {ns_record("example.test.", "ns.evil.test."), ns_record("test.", "ns.evil.test.")});
  message.additionals = {a_record("www.example.test.", 60), a_record("ns.evil.test.", 60)};

  const ChildAnswer answer = read(message);

  ASSERT_EQ(answer.kind, Kind::kGood);
  EXPECT_THAT(names_of(kept(answer).answers), ElementsAre("www.child.example.test. MX"));
  EXPECT_THAT(kept(answer).authorities, IsEmpty());
  EXPECT_THAT(kept(answer).additionals, IsEmpty());
}

// RFC 2181 section 5.
TEST(ChildAnswer, TheSameRecordTwiceIsOne) {
  const Asked asked("www.child.example.test.");
  const Record link = cname_record("www.child.example.test.", 60, "host.child.example.test.");
  Message message = authoritative(
      asked,
      {link, a_record("host.child.example.test.", 60, 1),
       a_record("host.child.example.test.", 60, 2), a_record("HOST.child.example.test.", 30, 1),
       link},
      {ns_record(kZone, "ns.child.example.test."), ns_record(kZone, "ns.child.example.test.")});

  const ChildAnswer answer = read(message);

  ASSERT_EQ(answer.kind, Kind::kGood);
  EXPECT_THAT(kept(answer).answers, ElementsAre(link, a_record("host.child.example.test.", 60, 1),
                                                a_record("host.child.example.test.", 60, 2)));
  EXPECT_EQ(kept(answer).authorities.size(), 1U);
}

TEST(ChildAnswer, NothingIsSaidWithTheSoaOfTheZone) {
  const Asked asked("gone.child.example.test.");
  for (const Rcode rcode : {Rcode::kNxDomain, Rcode::kNoError}) {
    const ChildAnswer answer = read(authoritative(asked, {}, {soa_record(kZone, 60, 60)}, rcode));

    EXPECT_EQ(answer.kind, Kind::kGood);
    EXPECT_EQ(answer.rcode, rcode);
    EXPECT_EQ(kept(answer).authorities.size(), 1U);
  }
}

TEST(ChildAnswer, AFailureKeepsItsReason) {
  Message message = response_to(Asked("www.child.example.test."), {}, {}, Rcode::kRefused);
  message.edns = Edns{.options = {{kOptionExtendedError, Bytes("\0\x14", 2)}}};

  const ChildAnswer answer = read(message);

  EXPECT_EQ(answer.kind, Kind::kFailed);
  EXPECT_EQ(answer.rcode, Rcode::kRefused);
  EXPECT_EQ(answer.error, ExtendedError::kNotAuthoritative);
}

// RFC 8499: a server that was delegated to and does not serve the zone.
TEST(ChildAnswer, WhoDoesNotServeTheZoneIsLame) {
  const Asked asked("www.child.example.test.");
  // Of its cache, as a resolver says it.
  EXPECT_EQ(read(response_to(asked, {a_record("www.child.example.test.", 60)})).kind, Kind::kLame);
  EXPECT_EQ(read(response_to(asked)).kind, Kind::kLame);
  // Up, to the same zone, and to another one.
  for (const char* zone :
       {".", "example.test.", kZone, "other.example.test.", "other.child.example.test."}) {
    EXPECT_EQ(read(response_to(asked, {}, {ns_record(zone, "ns.elsewhere.net.")})).kind,
              Kind::kLame)
        << zone;
  }
}

TEST(ChildAnswer, AReferralLeadsCloserWithTheGlueThatIsInTheZone) {
  const Asked asked("a.b.deep.child.example.test.");
  Message message =
      response_to(asked, {},
                  {ns_record("deep.child.example.test.", "ns.deep.child.example.test."),
                   ns_record("deep.child.example.test.", "ns2.deep.child.example.test."),
                   ns_record("deep.child.example.test.", "ns.child.example.test."),
                   ns_record("deep.child.example.test.", "ns.elsewhere.net.")});
  message.additionals = {
      a_record("ns.deep.child.example.test.", 60, 7),
      record_of("ns.deep.child.example.test.", Type::kAaaa, 60,
                Bytes("\x20\x01\x0d\xb8", 4) + Bytes(11, '\0') + '\x07'),
      a_record("ns.elsewhere.net.", 60, 66),
  };

  const ChildAnswer answer = read(message);

  ASSERT_EQ(answer.kind, Kind::kReferral);
  EXPECT_EQ(answer.referral.zone, name_of("deep.child.example.test."));
  ASSERT_EQ(answer.referral.hosts.size(), 3U) << "one inside without an address is of no use";
  EXPECT_THAT(answer.referral.hosts[0].addresses, ElementsAre("192.0.2.7", "2001:db8::7"));
  EXPECT_EQ(answer.referral.hosts[1].name, name_of("ns.child.example.test."));
  EXPECT_EQ(answer.referral.hosts[2].name, name_of("ns.elsewhere.net."));
  EXPECT_THAT(answer.referral.hosts[2].addresses, IsEmpty()) << "that is not its to say";
}

// RFC 4035 section 3.1.4.1.
TEST(ChildAnswer, AReferralForTheDsOfItsOwnCutIsNone) {
  const Asked asked("deep.child.example.test.", Type::kDs);
  EXPECT_EQ(
      read(response_to(asked, {}, {ns_record("deep.child.example.test.", "ns.e.test.")})).kind,
      Kind::kLame);
}

TEST(ChildAnswer, AChainThatStaysInTheZoneIsWhole) {
  const Asked asked("www.child.example.test.");
  const Record link = cname_record("www.child.example.test.", 60, "host.child.example.test.");

  EXPECT_EQ(read(authoritative(asked, {link, a_record("host.child.example.test.", 60)})).kind,
            Kind::kGood);
  EXPECT_EQ(read(authoritative(asked, {link}, {soa_record(kZone, 60, 60)})).kind, Kind::kGood);
  const ChildAnswer denied =
      read(authoritative(asked, {link}, {soa_record(kZone, 60, 60)}, Rcode::kNxDomain));
  EXPECT_EQ(denied.kind, Kind::kGood);
  EXPECT_EQ(denied.rcode, Rcode::kNxDomain);
}

TEST(ChildAnswer, WhereAChainLeavesTheZoneItsRestIsNotBelieved) {
  const Asked asked("www.child.example.test.");
  const Record link = cname_record("www.child.example.test.", 60, "www.example.test.");
  for (const Message& message :
       {authoritative(asked, {link}),
        authoritative(asked, {link, a_record("www.example.test.", 60, 66)}),
        authoritative(asked, {link}, {soa_record("example.test.", 60, 60)}, Rcode::kNxDomain)}) {
    const ChildAnswer answer = read(message);

    ASSERT_EQ(answer.kind, Kind::kLeads);
    EXPECT_EQ(answer.target, name_of("www.example.test."));
    EXPECT_EQ(answer.rcode, Rcode::kNoError);
    EXPECT_THAT(kept(answer).answers, ElementsAre(link));
    EXPECT_THAT(kept(answer).authorities, IsEmpty());
  }
}

TEST(ChildAnswer, AChainIntoADeeperZoneLeadsThere) {
  const Asked asked("www.child.example.test.");
  const ChildAnswer answer = read(authoritative(
      asked, {cname_record("www.child.example.test.", 60, "a.deep.child.example.test.")},
      {ns_record("deep.child.example.test.", "ns.deep.child.example.test.")}));

  ASSERT_EQ(answer.kind, Kind::kLeads);
  EXPECT_EQ(answer.target, name_of("a.deep.child.example.test."));
}

TEST(ChildAnswer, WhereAChainComesToAZoneOfOursItsRestIsNotBelieved) {
  const Asked asked("www.child.example.test.");
  const Record link = cname_record("www.child.example.test.", 60, "y.sub.child.example.test.");
  const Record back = cname_record("y.sub.child.example.test.", 60, "z.child.example.test.");
  const Record dname = record_of("sub.child.example.test.", Type::kDname, 60,
                                 name_of("z.child.example.test.").wire());
  for (const Message& message :
       {authoritative(asked, {link, a_record("y.sub.child.example.test.", 60, 66)}),
        authoritative(asked, {link, back, a_record("z.child.example.test.", 60, 66)}),
        authoritative(asked, {link, dname, back, a_record("z.child.example.test.", 60, 66)}),
        authoritative(asked, {link}, {soa_record(kZone, 60, 60)}),
        authoritative(asked, {link}, {soa_record(kZone, 60, 60)}, Rcode::kNxDomain)}) {
    const ChildAnswer answer = read(message);

    ASSERT_EQ(answer.kind, Kind::kLeads);
    EXPECT_EQ(answer.target, name_of("y.sub.child.example.test."));
    EXPECT_EQ(answer.rcode, Rcode::kNoError);
    EXPECT_THAT(kept(answer).answers, ElementsAre(link));
    EXPECT_THAT(kept(answer).authorities, IsEmpty());
  }
}

TEST(ChildAnswer, AddressesOfHostsThatWeServeAreDropped) {
  Message message =
      authoritative(Asked("www.child.example.test.", Type::kMx),
                    {record_of("www.child.example.test.", Type::kMx, 60,
                               Bytes("\0\1", 2) + name_of("y.sub.child.example.test.").wire())});
  message.additionals = {a_record("y.sub.child.example.test.", 60, 66)};

  const ChildAnswer answer = read(message);

  ASSERT_EQ(answer.kind, Kind::kGood);
  EXPECT_THAT(names_of(kept(answer).answers), ElementsAre("www.child.example.test. MX"));
  EXPECT_THAT(kept(answer).additionals, IsEmpty());
}

// RFC 6604: a loop ends with the links found so far.
TEST(ChildAnswer, ALoopIsAnAnswer) {
  const Asked asked("www.child.example.test.");
  EXPECT_EQ(read(authoritative(
                     asked, {cname_record("www.child.example.test.", 60, "b.child.example.test."),
                             cname_record("b.child.example.test.", 60, "www.child.example.test.")}))
                .kind,
            Kind::kGood);
}

TEST(ChildAnswer, ACnameThatIsAskedForIsTheAnswer) {
  const Asked asked("www.child.example.test.", Type::kCname);
  EXPECT_EQ(
      read(authoritative(asked, {cname_record("www.child.example.test.", 60, "elsewhere.net.")}))
          .kind,
      Kind::kGood);
}

}  // namespace
}  // namespace mcns
