#include "standin/dns.h"

#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace standin {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr unsigned kA = 1;
constexpr unsigned kSoa = 6;
constexpr unsigned kTxt = 16;
constexpr unsigned kDs = 43;
constexpr unsigned kAxfr = 252;

constexpr std::string_view kLan("\xc0\xa8\x58\xb5", 4);
constexpr std::string_view kOverlay("\x64\x5f\xfc\x78", 4);

std::string be16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

std::string labels(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return out + '\0';
}

std::string header(unsigned flags, unsigned questions, unsigned answers, unsigned authority,
                   unsigned additional) {
  return be16(0x1234) + be16(flags) + be16(questions) + be16(answers) + be16(authority) +
         be16(additional);
}

std::string query(std::string_view name, unsigned type, unsigned additional = 0) {
  return header(0x0100, 1, 0, 0, additional) + labels(name) + be16(type) + be16(1);
}

std::string opt(unsigned version, unsigned flags) {
  return std::string(1, '\0') + be16(41) + be16(4096) + be16(version) + be16(flags) + be16(0);
}

struct Header {
  unsigned id = 0, flags = 0, questions = 0, answers = 0, authority = 0, additional = 0;
  unsigned rcode() const { return flags & 0xf; }
  bool authoritative() const { return (flags & 0x0400) != 0; }
};

Header header_of(const std::optional<std::string>& reply) {
  Header out;
  if (!reply || reply->size() < 12) {
    ADD_FAILURE() << "no answer";
    return out;
  }
  unsigned* fields[] = {&out.id,      &out.flags,     &out.questions,
                        &out.answers, &out.authority, &out.additional};
  for (std::size_t i = 0; i < 6; ++i) {
    *fields[i] = static_cast<unsigned>(static_cast<std::uint8_t>((*reply)[2 * i]) << 8 |
                                       static_cast<std::uint8_t>((*reply)[2 * i + 1]));
  }
  return out;
}

TEST(Dns, LessThanAHeaderAndAnAnswerGetNothing) {
  const std::string answer = header(0x8180, 0, 0, 0, 0);

  EXPECT_EQ(answer_dns("", false), std::nullopt);
  EXPECT_EQ(answer_dns(answer.substr(0, 11), false), std::nullopt);
  EXPECT_EQ(answer_dns(answer, false), std::nullopt);
}

TEST(Dns, EveryTruncationOfAQueryIsAFormatErrorWithoutQuestion) {
  const std::string whole = query("rift.mcp.metacircular.net", kA, 1) + opt(0, 0);

  for (std::size_t size = 12; size < whole.size(); ++size) {
    const auto reply = answer_dns(std::string_view(whole).substr(0, size), false);
    EXPECT_EQ(header_of(reply).rcode(), 1U) << size;
    EXPECT_EQ(header_of(reply).id, 0x1234U) << size;
    EXPECT_EQ(reply->size(), 12U) << size;
  }
}

TEST(Dns, MalformedQueriesAreFormatErrors) {
  const std::string good = query("rift.mcp.metacircular.net", kA);
  const std::string label64(64, 'a');
  const std::string type_class = be16(kA) + be16(1);
  std::string name256;
  for (int i = 0; i < 4; ++i) {
    name256 += '\x3f' + std::string(63, 'a');
  }
  const std::pair<const char*, std::string> cases[] = {
      {"trailing byte", good + "x"},
      {"no question", header(0, 0, 0, 0, 0)},
      {"two questions", header(0, 2, 0, 0, 0) + good.substr(12) + good.substr(12)},
      {"an answer record", header(0, 1, 1, 0, 0) + good.substr(12)},
      {"too many records", header(0, 1, 0, 0, 17) + good.substr(12)},
      {"label of 64", header(0, 1, 0, 0, 0) + '\x40' + label64 + '\0' + type_class},
      {"pointer to itself", header(0, 1, 0, 0, 0) + "\xc0\x0c" + type_class},
      {"name of 257", header(0, 1, 0, 0, 0) + name256 + '\0' + type_class},
      {"two OPT", query("rift.mcp.metacircular.net", kA, 2) + opt(0, 0) + opt(0, 0)},
      {"OPT below a name",
       query("rift.mcp.metacircular.net", kA, 1) + std::string("\1a", 2) + opt(0, 0)},
  };

  for (const auto& [what, message] : cases) {
    EXPECT_EQ(header_of(answer_dns(message, false)).rcode(), 1U) << what;
  }
}

TEST(Dns, OtherOpcodesAreNotImplemented) {
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    const std::string message = header(opcode << 11, 1, 0, 0, 0) + labels("a") + be16(6) + be16(1);
    EXPECT_EQ(header_of(answer_dns(message, false)).rcode(), 4U) << opcode;
  }
}

TEST(Dns, NamesOutsideTheZonesAndTransfersAreRefused) {
  // The second holds the zone's bytes, but inside a label.
  const std::string inside_label = std::string("a\x03mcp\x0cmetacircular\x03net", 22);
  const std::string tricky = header(0, 1, 0, 0, 0) + static_cast<char>(inside_label.size()) +
                             inside_label + '\0' + be16(kA) + be16(1);
  const std::string chaos =
      header(0, 1, 0, 0, 0) + labels("mcp.metacircular.net") + be16(kTxt) + be16(3);

  for (const auto& message :
       {query("google.com", kA), query("metacircular.net", kA), query("", kA),
        query("xmcp.metacircular.net", kA), tricky, chaos, query("mcp.metacircular.net", kAxfr)}) {
    const auto reply = header_of(answer_dns(message, false));
    EXPECT_EQ(reply.rcode(), 5U);
    EXPECT_FALSE(reply.authoritative());
  }
}

TEST(Dns, UnknownEdnsVersionIsRefusedWithItsOwnCode) {
  const auto reply = answer_dns(query("mcp.metacircular.net", kSoa, 1) + opt(1, 0), false);

  EXPECT_EQ(header_of(reply).rcode(), 0U);
  EXPECT_EQ(header_of(reply).answers, 0U);
  EXPECT_EQ((*reply)[reply->size() - 6], 1) << "extended RCODE 16 is BADVERS";
}

TEST(Dns, WhileFailingAQuestionGetsServfail) {
  const auto reply = header_of(answer_dns(query("rift.mcp.metacircular.net", kA), true));

  EXPECT_EQ(reply.rcode(), 2U);
  EXPECT_EQ(reply.answers, 0U);
}

TEST(Dns, UnknownNameIsNxdomainWithTheSoaOfTheClosestZone) {
  const auto node = answer_dns(query("no.mcp.metacircular.net", kA), false);
  const auto service = answer_dns(query("a.b.svc.mcp.metacircular.net", kA), false);

  for (const auto& reply : {node, service}) {
    EXPECT_EQ(header_of(reply).rcode(), 3U);
    EXPECT_EQ(header_of(reply).authority, 1U);
    EXPECT_TRUE(header_of(reply).authoritative());
  }
  EXPECT_THAT(*node, HasSubstr("\xc0\x0f" + be16(kSoa))) << "owner: offset of mcp";
  EXPECT_THAT(*service, HasSubstr("\xc0\x10" + be16(kSoa))) << "owner: offset of svc";
}

TEST(Dns, KnownNameWithoutTheTypeIsNodataWithSoa) {
  for (const auto* name : {"rift.mcp.metacircular.net", "svc.mcp.metacircular.net"}) {
    const auto reply = header_of(answer_dns(query(name, kTxt), false));
    EXPECT_EQ(reply.rcode(), 0U) << name;
    EXPECT_EQ(reply.answers, 0U) << name;
    EXPECT_EQ(reply.authority, 1U) << name;
  }
}

TEST(Dns, DsOfTheChildZoneIsAnsweredByTheParent) {
  const auto reply = answer_dns(query("svc.mcp.metacircular.net", kDs), false);

  EXPECT_THAT(*reply, HasSubstr("\xc0\x10" + be16(kSoa))) << "owner: offset of mcp";
}

TEST(Dns, EachSeedNameHasBothAddresses) {
  unsigned records = 0;
  for (const auto* name : {"metacrypt.svc.mcp.metacircular.net", "mcr.svc.mcp.metacircular.net",
                           "sgard.svc.mcp.metacircular.net", "mcp-agent.svc.mcp.metacircular.net",
                           "rift.mcp.metacircular.net", "ns.mcp.metacircular.net"}) {
    const auto reply = answer_dns(query(name, kA), false);
    records += header_of(reply).answers;
    EXPECT_THAT(*reply, HasSubstr(kLan)) << name;
    EXPECT_THAT(*reply, HasSubstr(kOverlay)) << name;
  }
  EXPECT_EQ(records, 12U);
}

TEST(Dns, QuestionIsRepeatedInItsLetterCase) {
  const auto reply = answer_dns(query("RiFt.mCp.Metacircular.NET", kA), false);

  EXPECT_EQ(header_of(reply).answers, 2U);
  EXPECT_THAT(*reply, HasSubstr(labels("RiFt.mCp.Metacircular.NET")));
}

TEST(Dns, LongestAnswerFitsInto512Bytes) {
  const std::string label(63, 'a');
  const std::string name =
      label + "." + label + "." + label + "." + std::string(36, 'a') + ".svc.mcp.metacircular.net";
  ASSERT_EQ(labels(name).size(), 255U);

  const auto reply = answer_dns(query(name, kA, 1) + opt(0, 0x8000), false);

  EXPECT_EQ(header_of(reply).rcode(), 3U);
  EXPECT_LE(reply->size(), 512U);
}

TEST(Dns, EdnsIsAnsweredOnlyWhenAsked) {
  const auto plain = answer_dns(query("mcp.metacircular.net", kSoa), false);
  const auto edns = answer_dns(query("mcp.metacircular.net", kSoa, 1) + opt(0, 0x8000), false);

  EXPECT_EQ(header_of(plain).additional, 0U);
  EXPECT_EQ(header_of(edns).additional, 1U);
  EXPECT_EQ(edns->substr(edns->size() - 4, 2), be16(0x8000)) << "DO comes back";
}

}  // namespace
}  // namespace standin
