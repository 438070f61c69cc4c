// Random case (0x20): what goes out, what comes back, and servers that write names their own way.
#include "mcns/forward/letter_case.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "mcns/forward/subject.h"
#include "support/seeded_random.h"

namespace mcns {
namespace {

using test::answer_to;
using test::answering;
using test::FakeUpstream;
using test::name_of;
using test::Received;
using test::record_of;
using test::Sent;

constexpr const char* kLong = "a-name.with-many-letters.example.test.";

Message lowered(Message answer) {
  answer.questions[0].name =
      dsl::test::require_ok(Name::from_wire(answer.questions[0].name.lower()));
  return answer;
}

std::vector<Sent> in_lower_case(const Received& received) {
  return {{.bytes = lowered(answer_to(received)).encode()}};
}

void use_random_case(test::Subject& subject, const FakeUpstream& upstream) {
  subject.set({{.upstreams = {upstream.upstream()}, .random_case = true}});
}

TEST(LetterCase, IsRandomAndNothingElseChanges) {
  dsl::test::SeededRandom source;
  RandomPool random(source);
  const Packet packet = make_packet({.name = name_of(kLong), .type = Type::kMx});
  std::set<Bytes> seen;

  for (int i = 0; i < 100; ++i) {
    const Packet other = with_random_case(packet, random);
    EXPECT_EQ(*with_lower_case(other), *packet);
    seen.insert(*other);
  }

  EXPECT_GT(seen.size(), 95u) << "of 2 to the power of 31";
}

TEST(LetterCase, OnlyWhatPointedToTheQuestionIsRestored) {
  const Name sent = name_of("wWw.ExAmPle.tEst.");
  const Name asked = name_of("www.Example.test.");
  Message message;
  message.questions = {{sent, Type::kA, Class::kIn}};
  message.answers = {
      record_of("wWw.ExAmPle.tEst.", Type::kCname, 60, name_of("Mail.ExAmPle.tEst.").wire()),
      record_of("Mail.ExAmPle.tEst.", Type::kMx, 60,
                Bytes("\0\1", 2) + name_of("MX.OTHER.tEst.").wire()),
      record_of("MAIL.EXAMPLE.TEST.", Type::kTxt, 60, Bytes("\7ExAmPle", 8))};

  restore_case(sent, asked, message);

  EXPECT_EQ(message.questions[0].name.wire(), asked.wire());
  EXPECT_EQ(message.answers[0].name.wire(), asked.wire());
  EXPECT_EQ(message.answers[0].rdata, name_of("Mail.Example.test.").wire());
  EXPECT_EQ(message.answers[1].name.wire(), name_of("Mail.Example.test.").wire());
  EXPECT_EQ(message.answers[1].rdata.substr(2), name_of("MX.OTHER.test.").wire());
  EXPECT_EQ(message.answers[2].name.wire(), name_of("MAIL.EXAMPLE.TEST.").wire());
  EXPECT_EQ(message.answers[2].rdata, Bytes("\7ExAmPle", 8));
}

TEST(LetterCase, LabelsThatOnlyLookAlikeStay) {
  // "\1b" ends a label of the one and is a label of the other.
  const Name sent = dsl::test::require_ok(Name::from_wire(Bytes("\3a\1B\0", 5)));
  const Name asked = dsl::test::require_ok(Name::from_wire(Bytes("\3a\1b\0", 5)));
  Message message;
  message.answers = {record_of("B.", Type::kA, 60, Bytes("\0\0\0\1", 4))};

  restore_case(sent, asked, message);

  EXPECT_EQ(message.answers[0].name.wire(), name_of("B.").wire());
}

TEST(RandomCase, NeitherClientsNorTheCacheGetToSeeIt) {
  test::Subject subject;
  FakeUpstream upstream([](const Received& received) {
    Message answer = answer_to(received);
    const Name& name = answer.questions.at(0).name;
    answer.answers[0].name = dsl::test::require_ok(name.child("host"));
    answer.answers.insert(answer.answers.begin(),
                          {name, Type::kCname, Class::kIn, 60, answer.answers[0].name.wire()});
    return std::vector<Sent>{{.bytes = answer.encode()}};
  });
  use_random_case(subject, upstream);
  const Name asked = name_of("A-Name.with-many-letters.Example.test.");

  const ForwardAnswer answer = subject.ask({.name = asked});

  EXPECT_NE(upstream.received().at(0).message.questions.at(0).name.wire(), asked.wire());
  for (const Message& message :
       {dsl::test::require_ok(Message::parse(answer.message)), *subject.cached(asked.text())}) {
    EXPECT_EQ(message.questions.at(0).name.wire(), asked.wire());
    EXPECT_EQ(message.answers.at(0).name.wire(), asked.wire());
    EXPECT_EQ(message.answers.at(1).name.wire(), dsl::test::require_ok(asked.child("host")).wire());
  }
  EXPECT_EQ(subject.forwarder->upstreams().at(0).other_case, 0u);
}

TEST(RandomCase, ItIsOffWhereNobodyWantsIt) {
  test::Subject subject;
  FakeUpstream upstream(answering());
  subject.use({upstream.upstream()});

  (void)subject.ask(kLong);

  EXPECT_EQ(upstream.received().at(0).message.questions.at(0).name.wire(), name_of(kLong).wire());
}

TEST(RandomCase, AServerThatDoesNotKeepItIsAskedOverTcpAndThenInLowerCase) {
  test::Subject subject;
  FakeUpstream upstream(in_lower_case);
  use_random_case(subject, upstream);

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(subject.ask(dsl::text("{}.{}", i, kLong)).rcode, Rcode::kNoError);
  }

  const std::vector<Received> received = upstream.received();
  EXPECT_EQ(std::count_if(received.begin(), received.end(),
                          [](const Received& each) { return each.over_tcp; }),
            3);
  EXPECT_EQ(received.size(), 8u) << "from the fourth on once, over UDP";
  const UpstreamState state = subject.forwarder->upstreams().at(0);
  EXPECT_EQ(state.other_case, 3u);
  EXPECT_EQ(state.failed, 0u);
  EXPECT_EQ(state.state, "up");
}

TEST(RandomCase, NoAnswerIsLostWhereThereIsNoTcp) {
  test::Subject subject;
  FakeUpstream upstream([](const Received& received) {
    return received.over_tcp ? std::vector<Sent>{{.bytes = {}, .then_close = true}}
                             : in_lower_case(received);
  });
  use_random_case(subject, upstream);

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(subject.ask(dsl::text("{}.{}", i, kLong)).rcode, Rcode::kNoError);
  }
}

TEST(RandomCase, OneForgedAnswerChangesNothingForTheNext) {
  test::Subject subject;
  std::atomic<bool> forged{true};
  FakeUpstream upstream([&](const Received& received) {
    const bool lie = !received.over_tcp && forged.exchange(false);
    return lie ? std::vector<Sent>{{.bytes = lowered(answer_to(received, 66)).encode()}}
               : std::vector<Sent>{{.bytes = answer_to(received, 1).encode()}};
  });
  use_random_case(subject, upstream);

  EXPECT_EQ(test::source_of(subject.ask(kLong)), 1);
  EXPECT_EQ(test::source_of(subject.ask(dsl::text("next.{}", kLong))), 1);

  const Received last = upstream.received().back();
  EXPECT_FALSE(last.over_tcp);
  const Name sent = last.message.questions.at(0).name;
  EXPECT_NE(sent.wire(), sent.lower()) << "still in random case";
}

}  // namespace
}  // namespace mcns
