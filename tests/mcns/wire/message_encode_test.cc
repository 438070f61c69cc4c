#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mcns/wire/message.h"
#include "wire_fixture.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using test::header;
using test::name;
using test::octets;

Message query() {
  Message message{.id = 7, .recursion_desired = true};
  message.questions = {{.name = name("www.example."), .type = Type::kMx}};
  return message;
}

Record record(const char* owner, Type type, Bytes rdata) {
  return {.name = name(owner), .type = type, .ttl = 300, .rdata = std::move(rdata)};
}

TEST(MessageEncode, HeaderBitsAreWhereTheyBelong) {
  Message message{.id = 0x1234};
  EXPECT_EQ(message.encode(), header(0x1234, 0, 0));
  const auto flags = [](auto change) {
    Message changed{.id = 1};
    change(changed);
    const Bytes wire = changed.encode();
    return (static_cast<std::uint8_t>(wire[2]) << 8) | static_cast<std::uint8_t>(wire[3]);
  };
  EXPECT_EQ(flags([](Message& m) { m.response = true; }), 0x8000);
  EXPECT_EQ(flags([](Message& m) { m.opcode = Opcode::kUpdate; }), 0x2800);
  EXPECT_EQ(flags([](Message& m) { m.authoritative = true; }), 0x0400);
  EXPECT_EQ(flags([](Message& m) { m.truncated = true; }), 0x0200);
  EXPECT_EQ(flags([](Message& m) { m.recursion_desired = true; }), 0x0100);
  EXPECT_EQ(flags([](Message& m) { m.recursion_available = true; }), 0x0080);
  EXPECT_EQ(flags([](Message& m) { m.authentic_data = true; }), 0x0020);
  EXPECT_EQ(flags([](Message& m) { m.checking_disabled = true; }), 0x0010);
  EXPECT_EQ(flags([](Message& m) { m.rcode = Rcode::kRefused; }), 0x0005);
}

TEST(MessageEncode, NamesAreCompressedWhereRfc3597Allows) {
  Message message = query();
  message.answers = {record("www.example.", Type::kMx, octets("\0\x0a\4mail\7example\0")),
                     record("example.", Type::kSrv, octets("\0\1\0\2\0\3\4mail\7example\0"))};

  EXPECT_EQ(message.encode(),
            header(7, 0x0100, 1, 2) + octets("\3www\7example\0\0\x0f\0\1") +
                octets("\xc0\x0c\0\x0f\0\1\0\0\1\x2c\0\x09\0\x0a\4mail\xc0\x10") +
                octets("\xc0\x10\0\x21\0\1\0\0\1\x2c\0\x14\0\1\0\2\0\3\4mail\7example\0"));
}

TEST(MessageEncode, NamesThatDifferInCaseKeepIt) {
  Message message = query();
  message.answers = {record("WWW.example.", Type::kA, "abcd")};

  const Message read = require_ok(Message::parse(message.encode()));

  EXPECT_EQ(read.answers.at(0).name.text(), "WWW.example.");
  EXPECT_EQ(read.questions.at(0).name.text(), "www.example.");
}

TEST(MessageEncode, RdataOfAnotherFormGoOutAsTheyAre) {
  Message message = query();
  message.answers = {record("a.", Type::kMx, "x"), record("a.", Type::kNs, ""),
                     record("a.", static_cast<Type>(65280), octets("\7example\0"))};

  const Bytes wire = message.encode();

  EXPECT_TRUE(wire.ends_with(octets("\0\x09\7example\0")));
}

TEST(MessageEncode, OptCarriesTheUpperBitsOfTheRcode) {
  Message message{.id = 1, .response = true, .rcode = Rcode::kBadVers};
  message.edns = Edns{.udp_size = 1232,
                      .dnssec_ok = true,
                      .options = {{.code = kOptionExtendedError, .data = octets("\0\x12")}}};
  const Bytes wire = message.encode();

  EXPECT_EQ(wire,
            header(1, 0x8000, 0, 0, 0, 1) + octets("\0\0\x29\4\xd0\1\0\x80\0\0\6\0\x0f\0\2\0\x12"));
  EXPECT_EQ(require_ok(Message::parse(wire)), message);
}

TEST(MessageEncode, WholeRecordsAreLeftOutFromTheEnd) {
  Message message = query();
  message.answers = {record("a.", Type::kTxt, Bytes(100, 'x')),
                     record("b.", Type::kTxt, Bytes(100, 'x'))};
  message.additionals = {record("c.", Type::kA, "abcd")};
  message.edns = Edns{};
  const std::size_t whole = message.encode().size();

  const Message all = require_ok(Message::parse(message.encode(whole)));
  EXPECT_EQ(all, message);

  const Message without_last = require_ok(Message::parse(message.encode(whole - 1)));
  EXPECT_TRUE(without_last.truncated);
  EXPECT_EQ(without_last.answers.size(), 2U);
  EXPECT_TRUE(without_last.additionals.empty());
  EXPECT_TRUE(without_last.edns.has_value());

  const Bytes small = message.encode(200);
  EXPECT_LE(small.size(), 200U);
  const Message one = require_ok(Message::parse(small));
  EXPECT_TRUE(one.truncated);
  EXPECT_EQ(one.answers.size(), 1U);
}

TEST(MessageEncode, NothingIsLongerThanAMessage) {
  Message message = query();
  message.answers.assign(70, record("a.", Type::kTxt, Bytes(1000, 'x')));
  message.answers.push_back(record("a.", Type::kTxt, Bytes(65536, 'x')));

  const Bytes wire = message.encode(1U << 20U);

  EXPECT_LE(wire.size(), 65535U);
  EXPECT_TRUE(require_ok(Message::parse(wire)).truncated);
}

// Beyond 16383 octets nothing can be pointed to.
TEST(MessageEncode, NamesFarBehindAreNotPointedTo) {
  Message message = query();
  for (int i = 0; i < 40; ++i) {
    message.answers.push_back(
        record(("name" + std::to_string(i) + ".far.").c_str(), Type::kTxt, Bytes(1000, 'x')));
  }
  message.answers.push_back(record("name39.far.", Type::kA, "abcd"));

  EXPECT_EQ(require_ok(Message::parse(message.encode())), message);
}

rc::Gen<Record> records() {
  return rc::gen::exec([] {
    Record out{.name = *test::names(3), .ttl = *rc::gen::inRange<std::uint32_t>(0, 0x7fffffff)};
    const Bytes rest = *rc::gen::arbitrary<std::string>();
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        out.type = Type::kCname;
        out.rdata = (*test::names(3)).wire();
        break;
      case 1:
        out.type = Type::kMx;
        out.rdata = octets("\0\1") + (*test::names(3)).wire();
        break;
      case 2:
        out.type = Type::kSoa;
        out.rdata = (*test::names(3)).wire() + (*test::names(3)).wire() + Bytes(20, 's');
        break;
      default:
        out.type = static_cast<Type>(*rc::gen::inRange(65280, 65535));
        out.rdata = rest;
    }
    return out;
  });
}

RC_GTEST_PROP(Message, IsReadAsWritten, ()) {
  Message message{.id = *rc::gen::arbitrary<std::uint16_t>(),
                  .response = *rc::gen::arbitrary<bool>(),
                  .authoritative = *rc::gen::arbitrary<bool>(),
                  .checking_disabled = *rc::gen::arbitrary<bool>(),
                  .rcode = static_cast<Rcode>(*rc::gen::inRange(0, 16))};
  message.questions = {{.name = *test::names(3)}};
  message.answers = *rc::gen::container<std::vector<Record>>(records());
  message.authorities = *rc::gen::container<std::vector<Record>>(records());
  if (*rc::gen::arbitrary<bool>()) {
    message.edns = Edns{.options = {{.code = 65001, .data = *rc::gen::arbitrary<std::string>()}}};
    message.rcode = static_cast<Rcode>(*rc::gen::inRange(0, 4096));
  }

  const Bytes wire = message.encode();
  const Message read = require_ok(Message::parse(wire));

  RC_ASSERT(read == message);
  RC_ASSERT(read.encode() == wire);
}

RC_GTEST_PROP(Message, FitsWhateverSizeThatHasRoomForTheQuestion, ()) {
  Message message = query();
  message.answers = *rc::gen::container<std::vector<Record>>(records());
  message.edns = Edns{};
  const auto size_max = *rc::gen::inRange<std::size_t>(64, 1500);

  const Bytes wire = message.encode(size_max);

  RC_ASSERT(wire.size() <= size_max);
  const Message read = require_ok(Message::parse(wire));
  RC_ASSERT(read.truncated == (read.answers.size() < message.answers.size()));
}

}  // namespace
}  // namespace mcns
