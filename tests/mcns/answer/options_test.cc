// EDNS options that an answer has only for who asks for them.
#include <array>

#include <gtest/gtest.h>

#include "mcns/answer/answer.h"
#include "mcns/rdata/rdata.h"
#include "mcns/wire/message.h"
#include "mcns/zone/store.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

Name name(std::string_view text) { return dsl::test::require_ok(Name::parse(text)); }

class AnswerOptionsTest : public ::testing::Test {
 protected:
  AnswerOptionsTest() {
    zone::Edit edit(store_);
    add_zone(edit, 1, "example.test.", 2026112601);
    add_zone(edit, 2, "other.test.", 7);
    const Name origin = name("example.test.");
    edit.put(origin, {name("www.example.test."), Type::kA, 300, {Bytes("\xc0\0\2\1", 4)}});
    edit.put(origin,
             {name("alias.example.test."), Type::kCname, 300, {name("other.test.").wire()}});
    edit.put(origin,
             {name("cut.example.test."), Type::kNs, 300, {name("ns.elsewhere.net.").wire()}});
    edit.publish();
  }
  static void add_zone(zone::Edit& edit, std::int64_t id, std::string_view text,
                       std::uint32_t serial) {
    Soa soa;
    soa.primary_ns = name("ns.elsewhere.net.");
    soa.admin_email = name("admin.elsewhere.net.");
    soa.serial = serial;
    edit.create(id, name(text));
    edit.put(name(text), {name(text), Type::kSoa, 300, {soa.rdata()}});
  }

  Message ask(std::string_view text, std::uint16_t option, bool stream = false) {
    Message message;
    message.questions.push_back({name(text), Type::kA});
    message.edns = Edns{.options = {{option, ""}}};
    const Bytes packet = message.encode();
    const zone::Pin version(reader_);
    Query query;
    const Answer answer = answerer_.answer(*version, packet, {.stream = stream}, query,
                                           buffer_.data(), buffer_.size());
    return dsl::test::require_ok(Message::parse({buffer_.data(), answer.size}));
  }
  // The data of the option; nothing when the answer has none.
  std::optional<Bytes> option(std::string_view text, std::uint16_t code, bool stream = false) {
    const Message reply = ask(text, code, stream);
    for (const EdnsOption& each : reply.edns->options) {
      if (each.code == code) {
        return each.data;
      }
    }
    return std::nullopt;
  }

  zone::Store store_;
  zone::Reader reader_{store_};
  Answerer answerer_{{.keepalive = 300}};
  std::array<char, 65535> buffer_{};
};

// RFC 7828.
TEST_F(AnswerOptionsTest, KeepaliveIsToldOverTcpOnly) {
  EXPECT_EQ(option("www.example.test.", kOptionKeepalive, true), Bytes("\x01\x2c", 2));
  EXPECT_EQ(option("elsewhere.net.", kOptionKeepalive, true), Bytes("\x01\x2c", 2));
  EXPECT_EQ(option("www.example.test.", kOptionKeepalive), std::nullopt);
}

// RFC 9660: the labels of the zone, type SOA-SERIAL, the serial.
TEST_F(AnswerOptionsTest, ZoneVersionIsTheSerialOfTheQuestionsZone) {
  const Bytes version("\x02\x00\x78\xc4\x06\x59", 6);

  for (const char* there : {"www.example.test.", "gone.example.test.", "example.test."}) {
    EXPECT_EQ(option(there, kOptionZoneVersion), version) << there;
  }
  EXPECT_EQ(option("alias.example.test.", kOptionZoneVersion), version);
  EXPECT_EQ(option("other.test.", kOptionZoneVersion), Bytes("\x02\x00\x00\x00\x00\x07", 6));
}

TEST_F(AnswerOptionsTest, WhatIsNotOfAZoneOfOursHasNoVersion) {
  EXPECT_EQ(option("www.elsewhere.net.", kOptionZoneVersion), std::nullopt);
  EXPECT_EQ(option("www.cut.example.test.", kOptionZoneVersion), std::nullopt);
}

TEST_F(AnswerOptionsTest, WhoDoesNotAskIsNotTold) {
  EXPECT_TRUE(ask("www.example.test.", 65001, true).edns->options.empty());
}

}  // namespace
}  // namespace mcns
