// What goes out, which answers are taken for it, and the options between servers of ours.
#include "mcns/forward/packet.h"

#include <set>

#include "mcns/cache/messages.h"
#include "mcns/forward/loop_options.h"
#include "mcns/forward/outstanding.h"
#include "support/seeded_random.h"

namespace mcns {
namespace {

using test::name_of;

TEST(LoopOptions, NothingIsFoundInNonsense) {
  Bytes options;
  append_loop_nonce(options, 7);

  EXPECT_EQ(loop_nonce_in({}), std::nullopt);
  EXPECT_EQ(hops_in({}), 0);
  EXPECT_EQ(hops_in(options), 0);
  for (std::size_t size = 0; size < options.size(); ++size) {
    EXPECT_EQ(loop_nonce_in(options.substr(0, size)), std::nullopt) << size;
  }
  options[3] = 7;  // its length
  EXPECT_EQ(loop_nonce_in(options), std::nullopt);
}

TEST(LoopOptions, WhatIsWrittenIsRead) {
  Bytes options("\x00\x03\x00\x00", 4);  // another one in front

  append_hops(options, 3);
  append_loop_nonce(options, 0x0123456789abcdefULL);

  EXPECT_EQ(hops_in(options), 3);
  EXPECT_EQ(loop_nonce_in(options), 0x0123456789abcdefULL);
  Bytes many;
  append_hops(many, 1000);
  EXPECT_EQ(hops_in(many), 255);
}

TEST(Packet, IsAWholeQuery) {
  const Packet packet = make_packet({.name = name_of("wWw.example.test."),
                                     .type = Type::kMx,
                                     .dnssec_ok = true,
                                     .checking_disabled = true,
                                     .hops = 2});

  const Message message = dsl::test::require_ok(Message::parse(*packet));
  EXPECT_FALSE(message.response);
  EXPECT_TRUE(message.recursion_desired);
  EXPECT_TRUE(message.checking_disabled);
  ASSERT_TRUE(message.edns);
  EXPECT_TRUE(message.edns->dnssec_ok);
  EXPECT_EQ(message.edns->udp_size, 1232);
  EXPECT_EQ(message.questions.at(0).name.wire(), name_of("wWw.example.test.").wire());
  Query query;
  ASSERT_EQ(parse_query(*packet, query), ParseResult::kOk);
  EXPECT_EQ(hops_in(query.edns.options), 3);
  EXPECT_EQ(loop_nonce_in(query.edns.options), std::nullopt);
  EXPECT_EQ(question_section(*packet), packet->substr(12, query.question_size));
}

TEST(Packet, AProbeHasANonce) {
  const Packet packet = make_packet({.name = Name(), .type = Type::kNs}, 77);

  Query query;
  ASSERT_EQ(parse_query(*packet, query), ParseResult::kOk);
  EXPECT_EQ(loop_nonce_in(query.edns.options), 77u);
}

// RFC 7830, RFC 8467 section 4.1.
TEST(Packet, IsPaddedWhereItIsSealed) {
  Bytes name;
  for (std::size_t letters = 1; letters <= 150; ++letters) {
    name += letters % 50 == 0 ? '.' : 'x';
    const Packet packet = make_packet({.name = name_of(name), .dnssec_ok = true, .hops = 2});

    const Packet sealed = sealed_packet(packet);

    EXPECT_EQ(sealed->size() % 128, 0u);
    EXPECT_LT(sealed->size(), packet->size() + 128 + 4);
    const Message message = dsl::test::require_ok(Message::parse(*sealed));
    EXPECT_TRUE(message.authentic_data);
    ASSERT_TRUE(message.edns && message.edns->dnssec_ok);
    EXPECT_EQ(message.edns->options.back().code, kOptionPadding);
    Query query;
    ASSERT_EQ(parse_query(*sealed, query), ParseResult::kOk);
    EXPECT_EQ(hops_in(query.edns.options), 3);
  }
}

struct Fixture {
  dsl::test::SeededRandom source;
  RandomPool random{source};
  Outstanding outstanding;
  Packet packet = make_packet({.name = name_of("www.example.test.")});

  Bytes answer(std::uint16_t id) const {
    Bytes bytes = with_id(packet, id);
    bytes[2] = static_cast<char>(0x81);
    return bytes;
  }
};

TEST(Outstanding, WhatDoesNotMatchIsIgnored) {
  Fixture fixture;
  const std::uint16_t id = *fixture.outstanding.add(1, fixture.packet, fixture.random);
  const Bytes good = fixture.answer(id);

  EXPECT_FALSE(fixture.outstanding.take(fixture.answer(static_cast<std::uint16_t>(id + 1))));
  EXPECT_FALSE(fixture.outstanding.take(with_id(fixture.packet, id))) << "not a response";
  Bytes other_opcode = good;
  other_opcode[2] = static_cast<char>(0xa1);
  EXPECT_FALSE(fixture.outstanding.take(other_opcode));
  Bytes other_name = good;
  other_name[13] = 'x';
  EXPECT_FALSE(fixture.outstanding.take(other_name));
  Bytes other_case = good;
  other_case[13] = 'W';
  EXPECT_FALSE(fixture.outstanding.take(other_case));
  Bytes other_type = good;
  other_type[12 + name_of("www.example.test.").size() + 1] = 28;
  EXPECT_FALSE(fixture.outstanding.take(other_type));
  Bytes two_questions = good;
  two_questions[5] = 2;
  EXPECT_FALSE(fixture.outstanding.take(two_questions));
  for (std::size_t size = 0; size < 12 + question_section(*fixture.packet).size(); ++size) {
    EXPECT_FALSE(fixture.outstanding.take(std::string_view(good).substr(0, size)));
  }

  ASSERT_TRUE(fixture.outstanding.take(good)) << "it was waited for all the time";
  EXPECT_FALSE(fixture.outstanding.take(good)) << "once";
  EXPECT_TRUE(fixture.outstanding.empty());
}

TEST(Outstanding, AnotherCaseOfRandomLettersIsTold) {
  Fixture fixture;
  const std::uint16_t id =
      *fixture.outstanding.add(1, fixture.packet, fixture.random, LetterCase::kRandom);
  Bytes other_type = fixture.answer(id);
  other_type[12 + name_of("www.example.test.").size() + 1] = 'A';
  EXPECT_FALSE(fixture.outstanding.take(other_type));
  Bytes other_case = fixture.answer(id);
  other_case[13] = 'W';

  const auto taken = fixture.outstanding.take(other_case);

  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->attempt, 1u);
  EXPECT_FALSE(taken->same_case);
  EXPECT_TRUE(fixture.outstanding.empty());
}

TEST(Outstanding, IdsAreRandomAndEachIsUsedOnce) {
  Fixture fixture;
  std::set<std::uint16_t> ids;
  int ascending = 0;
  std::uint16_t last = 0;

  for (Attempt attempt = 0; attempt < 2'000; ++attempt) {
    const std::uint16_t id = *fixture.outstanding.add(attempt, fixture.packet, fixture.random);
    EXPECT_TRUE(ids.insert(id).second);
    ascending += id == last + 1 ? 1 : 0;
    last = id;
  }

  EXPECT_LT(ascending, 10);
  EXPECT_EQ(fixture.outstanding.take_all().size(), 2'000u);
}

TEST(Outstanding, HasABound) {
  Fixture fixture;
  Attempt attempt = 0;

  while (attempt < 70'000 && fixture.outstanding.add(attempt, fixture.packet, fixture.random)) {
    ++attempt;
  }

  EXPECT_LT(attempt, 65'536u);
}

}  // namespace
}  // namespace mcns
