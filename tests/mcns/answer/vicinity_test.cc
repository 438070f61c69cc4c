// Addresses in an order that fits who asks.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/answer/answer.h"
#include "mcns/answer/asking.h"
#include "mcns/answer/zone_data.h"
#include "mcns/rdata/rdata.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::string_view kZone = R"(
@       SOA ns hostmaster 1 3600 600 604800 60
@       NS  ns
ns      A   10.1.0.1
ns      A   10.9.0.1
ns      A   192.0.2.1
same    A   10.9.0.2
same    A   10.8.0.2
all     ALIAS ns
mail    MX  10 ns
child   NS  ns.child
ns.child A  10.9.0.3
ns.child A  10.1.0.3
)";

// 10.1.0.0/16 is near, the rest of 10.0.0.0/8 elsewhere.
class Near final : public Vicinity {
 public:
  explicit Near(bool only_reachable) : only_reachable_(only_reachable) {}
  Place place_of(std::string_view address) const override {
    return address[0] != 10 ? Place::kAnywhere : address[1] == 1 ? Place::kNear : Place::kElsewhere;
  }
  bool only_reachable() const override { return only_reachable_; }
  std::string_view network() const override { return "near"; }

 private:
  const bool only_reachable_;
};

class VicinityTest : public ::testing::Test {
 protected:
  VicinityTest() {
    test::publish(store_, {test::read_zone(require_ok(Name::parse("example.test.")), "zone",
                                           "$TTL 300\n" + std::string(kZone))});
  }
  Message ask(const std::string& name, Type type, const Vicinity* vicinity, bool stream = false,
              std::uint16_t edns_size = 1232) {
    const zone::Pin version(reader_);
    const Client client{.stream = stream, .vicinity = vicinity};
    return test::ask(answerer_, *version,
                     {.question = {require_ok(Name::parse(name + ".example.test.")), type},
                      .edns_size = edns_size,
                      .client = client})
        .message;
  }
  static std::vector<std::string> texts(const std::vector<Record>& records) {
    std::vector<std::string> out;
    for (const Record& record : records) {
      out.push_back(rdata_text(record.type, record.rdata));
    }
    return out;
  }

  zone::Store store_;
  zone::Reader reader_{store_};
  Answerer answerer_{AnswerOptions{}};
  const Near ordered_{false};
  const Near filtered_{true};
};

TEST_F(VicinityTest, WhatIsNearComesFirstAndTheRestTurns) {
  std::set<std::string> second;
  for (int turn = 0; turn < 6; ++turn) {
    const auto found = texts(ask("ns", Type::kA, &ordered_).answers);
    ASSERT_THAT(found, UnorderedElementsAre("10.1.0.1", "10.9.0.1", "192.0.2.1"));
    EXPECT_EQ(found[0], "10.1.0.1");
    second.insert(found[1]);
  }
  EXPECT_EQ(second.size(), 2u);
}

TEST_F(VicinityTest, WhatCannotBeReachedIsLeftOut) {
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_THAT(texts(ask("ns", Type::kA, &filtered_).answers),
                ElementsAre("10.1.0.1", "192.0.2.1"));
  }
}

TEST_F(VicinityTest, UnlessNothingRemains) {
  EXPECT_THAT(texts(ask("same", Type::kA, &filtered_).answers),
              UnorderedElementsAre("10.9.0.2", "10.8.0.2"));
}

TEST_F(VicinityTest, AnAliasAndAdditionalAddressesFitToo) {
  const Message alias = ask("all", Type::kA, &filtered_);
  EXPECT_THAT(texts(alias.answers), ElementsAre("10.1.0.1", "192.0.2.1"));
  EXPECT_EQ(alias.answers[0].name, require_ok(Name::parse("all.example.test.")));
  const Message mail = ask("mail", Type::kMx, &filtered_);
  EXPECT_THAT(texts(mail.additionals), ElementsAre("10.1.0.1", "192.0.2.1"));
  EXPECT_EQ(mail.additionals[1].name, require_ok(Name::parse("ns.example.test.")));
  EXPECT_THAT(texts(ask("x.child", Type::kA, &filtered_).additionals), ElementsAre("10.1.0.3"));
}

TEST_F(VicinityTest, WithoutOneEverybodyGetsAll) {
  EXPECT_EQ(ask("ns", Type::kA, nullptr).answers.size(), 3u);
}

// RFC 2181 section 9: an RRset that does not fit is not there.
TEST_F(VicinityTest, WhatDoesNotFitIsTruncatedAndWhatIsLeftOutTakesNoRoom) {
  zone::Edit edit(store_);
  const Name origin = require_ok(Name::parse("example.test."));
  Rrset many{require_ok(Name::parse("many.example.test.")), Type::kA, 300, {}};
  for (int i = 0; i < 100; ++i) {
    many.rdata.push_back(Bytes("\x0a\x09\x00", 3) + static_cast<char>(i));
  }
  many.rdata.push_back(Bytes("\x0a\x01\x00\x01", 4));
  edit.put(origin, many);
  edit.publish();

  EXPECT_TRUE(ask("many", Type::kA, &ordered_).truncated);
  EXPECT_EQ(ask("many", Type::kA, &ordered_, true).answers.size(), 101u);
  const Message filtered = ask("many", Type::kA, &filtered_, false, 0);
  EXPECT_FALSE(filtered.truncated);
  EXPECT_THAT(texts(filtered.answers), ElementsAre("10.1.0.1"));
}

}  // namespace
}  // namespace mcns
