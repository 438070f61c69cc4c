#include "mcns/forward/clean.h"

#include <algorithm>
#include <string>
#include <vector>

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
using Kind = CleanAnswer::Kind;

ForwardQuestion question_for(const Message& message) {
  const Question& question = message.questions.at(0);
  return {.name = question.name, .type = question.type, .dns_class = question.dns_class};
}

CleanAnswer clean(const Message& message) {
  return clean_answer(question_for(message), message.encode());
}

// The records that are left, as "name type".
std::vector<std::string> names_of(const std::vector<Record>& records) {
  std::vector<std::string> names;
  for (const Record& record : records) {
    names.push_back(record.name.text() + " " + text(record.type));
  }
  return names;
}

Message cleaned(const Message& message) {
  const CleanAnswer answer = clean(message);
  EXPECT_EQ(answer.kind, Kind::kGood);
  return dsl::test::require_ok(Message::parse(answer.message));
}

Record signature(std::string_view name, Type type, std::string_view signer) {
  const auto number = static_cast<std::uint16_t>(type);
  Bytes rdata{static_cast<char>(number >> 8U), static_cast<char>(number & 0xffU)};
  rdata += Bytes(16, '\1') + name_of(signer).wire() + "signature";
  return record_of(name, Type::kRrsig, 60, rdata);
}

using Texts = std::vector<std::string>;

TEST(Clean, WhatIsNoMessageIsMalformed) {
  const Asked asked("www.example.test.");
  const Message response = response_to(asked, {a_record("www.example.test.", 60)});
  const Bytes whole = response.encode();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(clean_answer(question_for(response), whole.substr(0, size)).kind, Kind::kMalformed);
  }
  EXPECT_EQ(clean_answer(question_for(response), whole + "x").kind, Kind::kMalformed);
  Message truncated = response;
  truncated.truncated = true;
  EXPECT_EQ(clean(truncated).kind, Kind::kMalformed);
}

TEST(Clean, RcodesThatTellNothingAreFailures) {
  const Asked asked("www.example.test.");
  for (const Rcode rcode :
       {Rcode::kServFail, Rcode::kRefused, Rcode::kFormErr, Rcode::kNotImp, Rcode::kNotAuth}) {
    const CleanAnswer answer =
        clean(response_to(asked, {a_record("www.example.test.", 60)}, {}, rcode));

    EXPECT_EQ(answer.kind, Kind::kFailed) << text(rcode);
    EXPECT_EQ(answer.rcode, rcode);
    EXPECT_EQ(answer.error, std::nullopt);
  }
}

TEST(Clean, AnUpstreamMaySayWhy) {
  const Asked asked("www.example.test.");
  Message response = response_to(asked, {}, {}, Rcode::kServFail);
  response.edns = Edns{.options = {{kOptionExtendedError, Bytes("\x00\x16"
                                                                "down",
                                                                6)}}};

  EXPECT_EQ(clean(response).error, ExtendedError::kNoReachableAuthority);
}

// RFC 2308 section 2.2.
TEST(Clean, AReferralIsNoAnswer) {
  const Asked asked("www.example.test.");
  const Record ns = record_of("example.test.", Type::kNs, 60, name_of("ns.example.test.").wire());

  EXPECT_EQ(clean(response_to(asked, {}, {ns})).kind, Kind::kFailed);
  EXPECT_EQ(clean(response_to(asked, {}, {ns, soa_record("example.test.", 60, 60)})).kind,
            Kind::kGood);
}

TEST(Clean, TheHeaderIsOurs) {
  const Asked asked("www.example.test.");
  Message response = response_to(asked, {a_record("www.example.test.", 60)});
  response.authoritative = true;
  response.authentic_data = true;
  response.checking_disabled = true;
  response.edns = Edns{.dnssec_ok = true, .options = {{kOptionPadding, "xxxx"}}};

  const Message message = cleaned(response);

  EXPECT_EQ(message.id, 0);
  EXPECT_TRUE(message.response);
  EXPECT_TRUE(message.recursion_desired);
  EXPECT_TRUE(message.recursion_available);
  EXPECT_FALSE(message.authoritative);
  EXPECT_FALSE(message.authentic_data) << "the upstream is not authenticated";
  EXPECT_FALSE(message.checking_disabled) << "as asked";
  EXPECT_FALSE(message.edns);
}

TEST(Clean, OnlyTheChainStaysInTheAnswer) {
  const Asked asked("www.example.test.");
  const Message message = cleaned(response_to(
      asked, {a_record("host.other.test.", 60), cname_record("alias.test.", 60, "host.other.test."),
              a_record("victim.test.", 60), cname_record("WWW.example.test.", 60, "alias.test."),
              record_of("www.example.test.", Type::kTxt, 60, "\x01x"),
              cname_record("victim.test.", 60, "host.other.test.")}));

  EXPECT_EQ(names_of(message.answers),
            (Texts{"host.other.test. A", "alias.test. CNAME", "WWW.example.test. CNAME"}));
}

TEST(Clean, AliasesOfOneAnotherEnd) {
  const Asked asked("a.test.");
  const Message message = cleaned(
      response_to(asked, {cname_record("a.test.", 60, "b.test."),
                          cname_record("b.test.", 60, "a.test."), a_record("c.test.", 60)}));

  EXPECT_EQ(names_of(message.answers), (Texts{"a.test. CNAME", "b.test. CNAME"}));
}

// RFC 6672 section 3.1.
TEST(Clean, ADnameAboveTheNameStays) {
  const Asked asked("www.old.test.");
  const Record dname = record_of("old.test.", Type::kDname, 60, name_of("new.test.").wire());
  const Record other = record_of("oldx.test.", Type::kDname, 60, name_of("new.test.").wire());
  const Message message = cleaned(response_to(
      asked, {dname, signature("old.test.", Type::kDname, "old.test."), other,
              cname_record("www.old.test.", 60, "www.new.test."), a_record("www.new.test.", 60)}));

  EXPECT_EQ(names_of(message.answers), (Texts{"old.test. DNAME", "old.test. RRSIG",
                                              "www.old.test. CNAME", "www.new.test. A"}));
}

TEST(Clean, SignaturesPassWithWhatTheySign) {
  const Asked asked("www.example.test.");
  const Message message =
      cleaned(response_to(asked, {a_record("www.example.test.", 60),
                                  signature("www.example.test.", Type::kA, "example.test."),
                                  signature("www.example.test.", Type::kMx, "example.test."),
                                  signature("victim.test.", Type::kA, "victim.test.")}));

  EXPECT_EQ(names_of(message.answers), (Texts{"www.example.test. A", "www.example.test. RRSIG"}));
}

TEST(Clean, AuthorityIsOfAZoneOnTheChain) {
  const Asked asked("www.example.test.");
  const Message message = cleaned(
      response_to(asked, {},
                  {soa_record("example.test.", 60, 60), soa_record("victim.test.", 60, 60),
                   record_of("victim.test.", Type::kNs, 60, name_of("ns.evil.test.").wire()),
                   a_record("www.example.test.", 60)}));

  EXPECT_EQ(names_of(message.authorities), Texts{"example.test. SOA"});
}

TEST(Clean, ProofsStayWhenTheZoneSignedThem) {
  const Asked asked("m.example.test.");
  const auto nsec = [](std::string_view name) {
    return record_of(name, Type::kNsec, 60, name_of("z.example.test.").wire() + Bytes("\0\1@", 3));
  };
  const Message message = cleaned(response_to(
      asked, {},
      {soa_record("example.test.", 60, 60), signature("example.test.", Type::kSoa, "example.test."),
       nsec("a.example.test."), signature("a.example.test.", Type::kNsec, "example.test."),
       nsec("b.example.test."), nsec("a.victim.test."),
       signature("a.victim.test.", Type::kNsec, "victim.test.")},
      Rcode::kNxDomain));

  EXPECT_EQ(names_of(message.authorities),
            (Texts{"example.test. SOA", "example.test. RRSIG", "a.example.test. NSEC",
                   "a.example.test. RRSIG"}));
}

TEST(Clean, AdditionalRecordsAreAddressesOfNamedHosts) {
  const Asked asked("example.test.", Type::kMx);
  Message response =
      response_to(asked, {record_of("example.test.", Type::kMx, 60,
                                    Bytes("\x00\x0a", 2) + name_of("mail.example.test.").wire())});
  response.additionals = {a_record("Mail.example.test.", 60), a_record("victim.test.", 60),
                          record_of("mail.example.test.", Type::kTxt, 60, "\x01x"),
                          signature("mail.example.test.", Type::kA, "example.test."),
                          signature("mail.example.test.", Type::kAaaa, "example.test.")};

  EXPECT_EQ(names_of(cleaned(response).additionals),
            (Texts{"Mail.example.test. A", "mail.example.test. RRSIG"}));
}

// RFC 9460 section 2.5.
TEST(Clean, AServiceMayBeAtItsOwnName) {
  const Asked asked("example.test.", Type::kHttps);
  Message response =
      response_to(asked, {record_of("example.test.", Type::kHttps, 60, Bytes("\x00\x01\x00", 3))});
  response.additionals = {a_record("example.test.", 60)};

  EXPECT_EQ(names_of(cleaned(response).additionals), Texts{"example.test. A"});
}

TEST(Clean, RecordsOfAnotherClassOrFormGo) {
  const Asked asked("www.example.test.");
  Record chaos = a_record("www.example.test.", 60);
  chaos.dns_class = Class::kCh;

  const Message message =
      cleaned(response_to(asked, {chaos, record_of("www.example.test.", Type::kA, 60, "\1\2\3"),
                                  a_record("www.example.test.", 60)}));

  EXPECT_EQ(names_of(message.answers), Texts{"www.example.test. A"});
}

TEST(Clean, AnyAndSignatureQuestionsGetAllTypes) {
  const Asked any("www.example.test.", Type::kAny);
  const Asked rrsig("www.example.test.", Type::kRrsig);
  const std::vector<Record> records{a_record("www.example.test.", 60),
                                    record_of("www.example.test.", Type::kTxt, 60, "\x01x"),
                                    signature("www.example.test.", Type::kA, "example.test.")};

  EXPECT_EQ(cleaned(response_to(any, records)).answers.size(), 3u);
  EXPECT_EQ(names_of(cleaned(response_to(rrsig, records)).answers),
            Texts{"www.example.test. RRSIG"});
}

}  // namespace
}  // namespace mcns
