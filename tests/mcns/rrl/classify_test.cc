#include "mcns/rrl/classify.h"

#include <gtest/gtest.h>

#include "mcns/wire/message.h"
#include "support/result_matchers.h"

namespace mcns::rrl {
namespace {

Name name(std::string_view text) { return dsl::test::require_ok(Name::parse(text)); }

// One question, and what its answer counts as.
class Classify : public ::testing::Test {
 protected:
  void ask(std::string_view text) {
    Message message;
    message.questions.push_back({name(text), Type::kA});
    packet_ = message.encode();
    ASSERT_EQ(parse_query(packet_, query_), ParseResult::kOk);
    response_ = message;
    response_.response = true;
  }
  void authority(std::string_view owner, Type type, Bytes rdata = Bytes(22, '\0')) {
    response_.authorities.push_back({name(owner), type, Class::kIn, 60, std::move(rdata)});
  }
  Counted classify(Rcode rcode, std::uint8_t labels) {
    const Bytes wire = response_.encode();
    return rrl::classify(query_, rcode, wire, labels);
  }

  Bytes packet_;
  Query query_;
  Message response_;
};

TEST_F(Classify, APositiveAnswerCountsForItsNameOrWhatItWasMadeFrom) {
  ask("a.b.example.test.");
  response_.answers.push_back({name("a.b.example.test."), Type::kA, Class::kIn, 60, Bytes(4, 1)});

  EXPECT_EQ(classify(Rcode::kNoError, 4), (Counted{Kind::kPositive, 4}));
  EXPECT_EQ(classify(Rcode::kNoError, 2), (Counted{Kind::kPositive, 2}));
}

TEST_F(Classify, ANegativeAnswerCountsForTheZone) {
  ask("a.b.example.test.");
  authority("example.test.", Type::kSoa);

  EXPECT_EQ(classify(Rcode::kNxDomain, 4), (Counted{Kind::kNxDomain, 2}));
  EXPECT_EQ(classify(Rcode::kNoError, 4), (Counted{Kind::kNoData, 2}));
}

TEST_F(Classify, TheZoneMayBeWrittenOutWhole) {
  ask("a.b.example.test.");
  const Bytes origin = name("example.test.").wire();
  Bytes wire = response_.encode();
  wire[9] = 1;
  wire += origin + Bytes("\0\6\0\1\0\0\0\0\0\0", 10);

  EXPECT_EQ(rrl::classify(query_, Rcode::kNxDomain, wire, 4), (Counted{Kind::kNxDomain, 2}));
}

TEST_F(Classify, AReferralCountsForItsCut) {
  ask("a.b.example.test.");
  authority("b.example.test.", Type::kNs, name("ns.b.example.test.").wire());

  EXPECT_EQ(classify(Rcode::kNoError, 4), (Counted{Kind::kReferral, 3}));
}

TEST_F(Classify, WithoutItsZoneANegativeAnswerCountsForTheNameAbove) {
  ask("a.b.example.test.");

  EXPECT_EQ(classify(Rcode::kNxDomain, 4), (Counted{Kind::kNxDomain, 3}));
  authority("x.example.test.", Type::kNsec3);
  EXPECT_EQ(classify(Rcode::kNxDomain, 4), (Counted{Kind::kNxDomain, 3}));
}

TEST_F(Classify, AChainThatLeadsNowhereCountsForTheNameAbove) {
  ask("a.b.example.test.");
  response_.answers.push_back(
      {name("a.b.example.test."), Type::kCname, Class::kIn, 60, name("gone.test.").wire()});
  authority("test.", Type::kSoa);

  EXPECT_EQ(classify(Rcode::kNxDomain, 4), (Counted{Kind::kNxDomain, 3}));
  EXPECT_EQ(classify(Rcode::kNxDomain, 2), (Counted{Kind::kNxDomain, 2}));
}

TEST_F(Classify, ErrorsCountForNoName) {
  ask("a.b.example.test.");
  for (const Rcode rcode :
       {Rcode::kFormErr, Rcode::kServFail, Rcode::kRefused, Rcode::kNotImp, Rcode::kBadVers}) {
    EXPECT_EQ(classify(rcode, 4), (Counted{Kind::kError, 0}));
  }
}

TEST_F(Classify, TheRootHasNoNameAbove) {
  ask(".");

  EXPECT_EQ(classify(Rcode::kNxDomain, 0), (Counted{Kind::kNxDomain, 0}));
}

TEST_F(Classify, WhatIsNotWholeIsReadAsFarAsItIs) {
  ask("a.b.example.test.");
  authority("example.test.", Type::kSoa);
  const Bytes whole = response_.encode();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Counted counted =
        rrl::classify(query_, Rcode::kNxDomain, std::string_view(whole).substr(0, size), 4);
    EXPECT_LE(counted.labels, 4) << size;
  }
}

}  // namespace
}  // namespace mcns::rrl
