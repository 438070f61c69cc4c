#include <gtest/gtest.h>

#include "mcns/wire/message.h"
#include "wire_fixture.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using test::header;
using test::name;
using test::octets;
using test::two;

Message query() {
  Message message{.id = 7, .recursion_desired = true};
  message.questions = {{.name = name("www.example."), .type = Type::kMx}};
  return message;
}

Record record(const char* owner, Type type, Bytes rdata) {
  return {.name = name(owner), .type = type, .ttl = 300, .rdata = std::move(rdata)};
}

// A response with the first answer's owner and rdata as given.
Bytes answer(const Bytes& owner, unsigned type, const Bytes& rdata) {
  return header(1, 0x8000, 0, 1) + owner + two(type) + two(1) + two(0) + two(60) +
         two(static_cast<unsigned>(rdata.size())) + rdata;
}

TEST(MessageParse, ShorterThanAHeaderIsRefused) {
  EXPECT_THAT(Message::parse(""), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(Message::parse(header(1, 0, 0).substr(1)), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(Message::parse(header(1, 0, 0)), ok());
}

TEST(MessageParse, CutShortAnywhereIsRefused) {
  Message message = query();
  message.answers = {record("www.example.", Type::kMx, octets("\0\x0a\4mail\7example\0"))};
  message.edns = Edns{.options = {{.code = kOptionNsid, .data = "x"}}};
  const Bytes wire = message.encode();

  for (std::size_t size = 0; size < wire.size(); ++size) {
    EXPECT_THAT(Message::parse(BytesView(wire).substr(0, size)),
                failed_with(Code::kInvalidArgument))
        << size;
  }
}

TEST(MessageParse, OctetsLeftOverAreRefused) {
  EXPECT_THAT(Message::parse(query().encode() + "x"),
              failed_saying(Code::kInvalidArgument, "left over"));
}

TEST(MessageParse, TwoOptRecordsAreRefused) {
  const Bytes opt = octets("\0\0\x29\4\xd0\0\0\0\0\0\0");
  EXPECT_THAT(Message::parse(header(1, 0, 0, 0, 0, 1) + opt), ok());
  EXPECT_THAT(Message::parse(header(1, 0, 0, 0, 0, 2) + opt + opt),
              failed_saying(Code::kInvalidArgument, "two OPT"));
  EXPECT_THAT(Message::parse(header(1, 0, 0, 1, 0, 0) + opt),
              failed_saying(Code::kInvalidArgument, "additional section"));
  EXPECT_THAT(Message::parse(header(1, 0, 0, 0, 0, 1) + octets("\1a") + opt),
              failed_saying(Code::kInvalidArgument, "root"));
}

// RFC 1035 section 4.1.4: a pointer is to a prior occurrence.
TEST(MessageParse, PointersThatDoNotPointBackwardsAreRefused) {
  const auto refused = [](const Bytes& owner) {
    const auto parsed = Message::parse(answer(owner, 1, octets("\1\2\3\4")));
    return !parsed && parsed.error().message().find("backwards") != std::string::npos;
  };
  EXPECT_TRUE(refused(octets("\xc0\x0c")));     // to itself
  EXPECT_TRUE(refused(octets("\xc0\x10")));     // forwards
  EXPECT_TRUE(refused(octets("\xff\xff")));     // past the end
  EXPECT_TRUE(refused(octets("\1a\xc0\x0c")));  // into its own name: a loop
  EXPECT_TRUE(refused(octets("\1a\xc0\x0e")));
}

TEST(MessageParse, PointersInARingAreRefused) {
  // Two names at 12 and 14, each a pointer to the other.
  const Bytes wire = header(1, 0, 2) + octets("\xc0\x12\0\1\0\1") + octets("\xc0\x0c\0\1\0\1");
  EXPECT_THAT(Message::parse(wire), failed_with(Code::kInvalidArgument));
}

TEST(MessageParse, PointersIntoTheHeaderAreFollowedAsAnyOther) {
  // Octets 4 to 11 are counts: at 10 stand two zeros, which is the root.
  const Bytes wire = answer(octets("\1a\xc0\x0a"), 1, octets("\1\2\3\4"));

  EXPECT_EQ(require_ok(Message::parse(wire)).answers.at(0).name, name("a."));
}

TEST(MessageParse, NamesOfMoreThan255OctetsByPointersAreRefused) {
  Bytes wire = header(1, 0, 3);
  Bytes labels;
  for (int i = 0; i < 60; ++i) {
    labels += octets("\2aa");
  }
  wire += labels + octets("\0\0\1\0\1");   // 181 octets at 12
  wire += octets("\2bb\xc0\x0c\0\1\0\1");  // one more label
  const Bytes fine = wire + octets("\2cc\xc0\x0c\0\1\0\1");
  const Bytes too_long = wire + labels + octets("\xc0\x0c\0\1\0\1");

  EXPECT_THAT(Message::parse(fine), ok());
  EXPECT_THAT(Message::parse(too_long), failed_saying(Code::kInvalidArgument, "255"));
}

TEST(MessageParse, LabelsOfUnknownKindsAreRefused) {
  EXPECT_THAT(Message::parse(answer(octets("\x41xx\0"), 1, "abcd")),
              failed_saying(Code::kInvalidArgument, "unknown kind"));
  EXPECT_THAT(Message::parse(answer(octets("\x80xx\0"), 1, "abcd")),
              failed_saying(Code::kInvalidArgument, "unknown kind"));
}

TEST(MessageParse, NamesInsideRdataAreWrittenOut) {
  Bytes wire = header(1, 0x8000, 1, 2) + octets("\7example\0\0\x0f\0\1");
  wire += octets("\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\x09\0\x0a\4mail\xc0\x0c");  // MX
  wire += octets("\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x08\0\1\0\2\0\3\xc0\x0c");  // SRV

  const Message message = require_ok(Message::parse(wire));

  EXPECT_EQ(message.answers.at(0).rdata, octets("\0\x0a\4mail\7example\0"));
  EXPECT_EQ(message.answers.at(1).rdata, octets("\0\1\0\2\0\3\7example\0"));
}

TEST(MessageParse, NamesHaveToEndInsideOfTheirRdata) {
  EXPECT_THAT(Message::parse(answer(octets("\0"), 5, octets("\3ab")) + octets("c\0")),
              failed_with(Code::kInvalidArgument));
  EXPECT_THAT(Message::parse(answer(octets("\0"), 15, octets("\0"))),
              failed_with(Code::kInvalidArgument));
  EXPECT_THAT(Message::parse(answer(octets("\0"), 35, octets("\0\1\0\1\5ab"))),
              failed_with(Code::kInvalidArgument));
}

// RFC 3597 section 4: of unknown types nothing is changed.
TEST(MessageParse, OtherRdataAreLeftAsTheyAre) {
  const Bytes rdata = octets("\xc0\x0c\0\1");
  EXPECT_EQ(require_ok(Message::parse(answer(octets("\0"), 65280, rdata))).answers.at(0).rdata,
            rdata);
  EXPECT_EQ(require_ok(Message::parse(answer(octets("\0"), 64, rdata))).answers.at(0).rdata, rdata);
}

// RFC 2136 section 2.4.1: prerequisites and deletions have no data.
TEST(MessageParse, RdataMayBeMissing) {
  EXPECT_EQ(require_ok(Message::parse(answer(octets("\0"), 15, ""))).answers.at(0).rdata, "");
}

TEST(MessageParse, RdataThatGrowBeyondARecordAreRefused) {
  // An SOA whose two names are pointers to a long one, and 65533 octets behind them.
  Bytes long_name;
  for (int i = 0; i < 4; ++i) {
    long_name += octets("\x3b") + Bytes(59, 'a');
  }
  const Bytes rdata = octets("\xc0\x0c\xc0\x0c") + Bytes(65200, 'x');
  const Bytes wire = header(1, 0x8000, 1, 1) + long_name + octets("\0\0\1\0\1") +
                     octets("\0\0\6\0\1\0\0\0\0") + two(static_cast<unsigned>(rdata.size())) +
                     rdata;

  EXPECT_THAT(Message::parse(wire), failed_saying(Code::kInvalidArgument, "too long"));
}

// RFC 2181 section 8.
TEST(MessageParse, TtlWithTheSignBitIsZero) {
  Bytes wire = answer(octets("\0"), 1, "abcd");
  wire[12 + 1 + 4] = '\x80';
  EXPECT_EQ(require_ok(Message::parse(wire)).answers.at(0).ttl, 0U);
}

}  // namespace
}  // namespace mcns
