// Chains that lead out of a delegated zone, or into zones inside of it.
#include "mcns/forward/delegation_test_base.h"

namespace mcns {
namespace {

using test::a_record;
using test::answering;
using test::authoritative;
using test::cname_record;
using test::DelegationTest;
using test::FakeUpstream;
using test::kName;
using test::kZone;
using test::name_of;
using test::Received;
using test::saying;
using test::silent;
using test::soa_record;

TEST_F(DelegationTest, AChainOutOfTheZoneIsFollowedToUpstreams) {
  FakeUpstream child(saying([](const Received& received) {
    return authoritative(received, {cname_record(kName, 60, "www.elsewhere.net."),
                                    a_record("www.elsewhere.net.", 60, 66)});
  }));
  FakeUpstream upstream(answering(2));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);
  subject_->use({upstream.upstream()});

  const Message answer = parsed(ask());

  ASSERT_EQ(answer.answers.size(), 2U);
  EXPECT_EQ(answer.answers[0], cname_record(kName, 60, "www.elsewhere.net."));
  EXPECT_EQ(answer.answers[1], a_record("www.elsewhere.net.", 60, 2));
  EXPECT_EQ(subject_->cached(kName)->answers.size(), 2U);
}

TEST_F(DelegationTest, AChainThatComesHomeIsAnsweredFromOurZonesEachTime) {
  FakeUpstream child(saying([](const Received& received) {
    return authoritative(received, {cname_record(kName, 60, "www.example.test.")});
  }));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  zones_.have(a_record("www.example.test.", 300, 5));
  start(child);

  const ForwardAnswer answer = ask();

  EXPECT_TRUE(answer.of_zones);
  ASSERT_EQ(parsed(answer).answers.size(), 2U);
  EXPECT_EQ(parsed(answer).answers[1], a_record("www.example.test.", 300, 5));
  EXPECT_FALSE(subject_->cached(kName)) << "a change of ours must show at once";
}

TEST_F(DelegationTest, AChainThroughOurZonesGoesOn) {
  FakeUpstream child(saying([](const Received& received) {
    return authoritative(received, {cname_record(kName, 60, "alias.example.test.")});
  }));
  FakeUpstream upstream(answering(2));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  zones_.have(cname_record("alias.example.test.", 300, "www.elsewhere.net."));
  start(child);
  subject_->use({upstream.upstream()});

  const Message answer = parsed(ask());

  ASSERT_EQ(answer.answers.size(), 3U);
  EXPECT_EQ(answer.answers[2], a_record("www.elsewhere.net.", 60, 2));
}

// The child tells what is there, too, or that there is nothing.
TEST_F(DelegationTest, AChainIntoAZoneOfOursInsideOfTheDelegationIsOurs) {
  zones_.serve("sub.child.example.test.");
  zones_.have(a_record("y.sub.child.example.test.", 300, 5));
  const Record link = cname_record(kName, 60, "y.sub.child.example.test.");
  FakeUpstream child(silent());
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);
  for (const Rcode rcode : {Rcode::kNoError, Rcode::kNxDomain}) {
    child.set_handler(saying([&](const Received& received) {
      Message message =
          authoritative(received, {link, a_record("y.sub.child.example.test.", 60, 66)});
      if (rcode == Rcode::kNxDomain) {
        message = authoritative(received, {link}, {soa_record(kZone, 60, 60)});
      }
      message.rcode = rcode;
      return message;
    }));

    const ForwardAnswer answer = ask();

    EXPECT_EQ(answer.rcode, Rcode::kNoError);
    ASSERT_EQ(parsed(answer).answers.size(), 2U);
    EXPECT_EQ(parsed(answer).answers[1], a_record("y.sub.child.example.test.", 300, 5));
  }
}

TEST_F(DelegationTest, AChainIntoAForwardInsideOfTheDelegationGoesToItsUpstreams) {
  FakeUpstream child(saying([](const Received& received) {
    return authoritative(received, {cname_record(kName, 60, "y.sub.child.example.test."),
                                    a_record("y.sub.child.example.test.", 60, 66)});
  }));
  FakeUpstream upstream(answering(2));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);
  subject_->set({{.zone = name_of("sub.child.example.test."), .upstreams = {upstream.upstream()}}});

  const Message answer = parsed(ask());

  ASSERT_EQ(answer.answers.size(), 2U);
  EXPECT_EQ(answer.answers[1], a_record("y.sub.child.example.test.", 60, 2));
}

TEST_F(DelegationTest, AChainToASpecialNameStaysInTheHouse) {
  FakeUpstream child(saying([](const Received& received) {
    return authoritative(received, {cname_record(kName, 60, "localhost.")});
  }));
  FakeUpstream upstream(answering(2));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  start(child);
  subject_->use({upstream.upstream()});

  const ForwardAnswer answer = ask();

  EXPECT_EQ(answer.rcode, Rcode::kNoError);
  EXPECT_EQ(parsed(answer).answers.size(), 1U);
  EXPECT_EQ(upstream.questions(), 0);
}

TEST_F(DelegationTest, AChainWithoutEndEnds) {
  int link = 0;
  FakeUpstream child(saying([&](const Received& received) {
    return authoritative(received, {cname_record(received.message.questions[0].name.text(), 60,
                                                 dsl::text("n{}.sister.example.test.", ++link))});
  }));
  zones_.delegate(kZone, {{"ns.child.example.test.", {child.address()}}});
  zones_.delegate("sister.example.test.", {{"ns.sister.example.test.", {child.address()}}});
  start(child);

  EXPECT_EQ(ask().rcode, Rcode::kServFail);
  EXPECT_LE(child.questions(), 20);
}

}  // namespace
}  // namespace mcns
