// Whole zones at once, and the guard.
#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

constexpr const char* kSoa = "@ 3600 SOA ns1 admin 7 3600 600 604800 300";

class ImportTest : public WriterTest {
 protected:
  dsl::Result<Outcome> import(const std::vector<std::string>& lines, bool force = false) {
    Writer::Import import = import_of(lines);
    import.create = true;
    import.force = force;
    return writer_->import(author_, std::move(import));
  }
  dsl::Result<Outcome> merge(const std::vector<std::string>& lines) {
    Writer::Import import = import_of(lines);
    import.merge = true;
    return writer_->import(author_, std::move(import));
  }
  static std::vector<std::string> hosts(int count) {
    std::vector<std::string> lines = {kSoa, "@ 3600 NS ns1"};
    for (int i = 0; i < count; ++i) {
      lines.push_back(dsl::text("host{} 3600 A 192.0.2.{}", i, i % 250));
    }
    return lines;
  }
};

TEST_F(ImportTest, ZoneThatIsNotThereIsMadeOnlyWhenAsked) {
  EXPECT_THAT(writer_->import(author_, import_of({kSoa, "@ NS ns1"})),
              failed_with(Code::kNotFound));
  EXPECT_THAT(import({"@ NS ns1"}), failed_saying(Code::kInvalidArgument, "there is no SOA"));

  const Outcome done = require_ok(import({kSoa, "@ 60 NS ns1", "www 60 A 192.0.2.1"}));

  EXPECT_EQ(done.serial, 7u);
  EXPECT_THAT(content(), ElementsAre("@ 60 NS ns1.example.test.", "www 60 A 192.0.2.1"));
  EXPECT_EQ(stored_zone().soa_ttl, 3600u);
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ImportTest, EveryRecordThatCannotStandThereIsNamed) {
  Writer::Import bad = import_of({kSoa, kSoa, "@ NS ns1", "* NS ns1"});
  bad.create = true;
  bad.records.push_back({.name = name("www.other.test."), .rdata = Bytes(4, '\1')});
  bad.records.push_back(
      {.name = name("a.example.test."), .dns_class = Class::kCh, .rdata = Bytes(4, '\1')});
  bad.records.push_back({.name = name("b.example.test."), .rdata = Bytes(3, '\1')});

  const auto result = writer_->import(author_, bad);

  ASSERT_THAT(result, failed_with(Code::kInvalidArgument));
  EXPECT_EQ(result.error().details().size(), 5u);
  EXPECT_THAT(content(), ElementsAre("no zone"));
}

TEST_F(ImportTest, RulesHoldForTheWholeFile) {
  EXPECT_THAT(import({kSoa, "@ NS ns1", "a CNAME b", "a A 192.0.2.1"}),
              failed_with(Code::kConflict));
  EXPECT_THAT(import({kSoa, "@ NS ns1", "d DNAME x.test.", "w.d A 192.0.2.1"}),
              failed_with(Code::kConflict));
  require_ok(import({kSoa, "@ NS ns1"}));
  EXPECT_THAT(import({kSoa, "www A 192.0.2.1"}), failed_saying(Code::kConflict, "without an NS"));
}

// Many names side by side that keep nothing are removed in one statement; those between them that
// keep something stay, with their numbers.
TEST_F(ImportTest, ALongRunOfNewRecordsLeavesTheNamesBetweenAlone) {
  std::vector<std::string> lines = hosts(300);
  lines.emplace_back("host150 3600 TXT x");
  require_ok(import(lines));
  const auto id_of = [&](const std::string& label) {
    const auto rows = stored(label);
    return rows.empty() ? 0 : rows.front().id;
  };
  const std::int64_t same = id_of("host100");
  for (int i = 0; i < 300; ++i) {
    if (i != 100) {
      lines[2 + static_cast<std::size_t>(i)] = dsl::text("host{} 3600 A 198.51.100.{}", i, i % 250);
    }
  }
  lines[2 + 200] = "other 3600 A 198.51.100.200";

  const Outcome done = require_ok(import(lines));

  EXPECT_EQ(done.removed, 299u);
  EXPECT_EQ(done.added, 299u);
  EXPECT_EQ(id_of("host100"), same);
  EXPECT_EQ(stored("host150").size(), 2u);
  EXPECT_TRUE(stored("host200").empty());
  EXPECT_EQ(content().size(), 302u);
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ImportTest, ReplaceMakesTheZoneEqualTheFileInOneSerial) {
  require_ok(import({kSoa, "@ 60 NS ns1", "a 60 A 192.0.2.1", "b 60 A 192.0.2.1", "c 60 TXT x"}));

  const Outcome done = require_ok(import({kSoa, "@ 60 NS ns1", "b 60 A 192.0.2.1",
                                          "b 60 A 192.0.2.2", "c 30 TXT x", "d.e 60 A 192.0.2.1"}));

  EXPECT_EQ(done.removed, 2u) << "a, and c with its old TTL";
  EXPECT_EQ(done.added, 3u);
  EXPECT_EQ(done.changes.front().source, "import");
  EXPECT_EQ(done.serial, 2026010101u) << "the file's is no newer";
  EXPECT_EQ(serial(), 2026010101u);
  EXPECT_THAT(content(), ElementsAre("@ 60 NS ns1.example.test.", "b 60 A 192.0.2.1",
                                     "b 60 A 192.0.2.2", "c 30 TXT \"x\"", "d.e 60 A 192.0.2.1"));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ImportTest, SameFileAgainChangesNothing) {
  require_ok(import(hosts(50)));
  const Outcome again = require_ok(import(hosts(50)));
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.serial, 7u);
  std::vector<std::string> in_other_case = hosts(50);
  in_other_case[2] = "HOST0 3600 A 192.0.2.0";
  EXPECT_FALSE(require_ok(import(in_other_case)).changed);
}

TEST_F(ImportTest, SerialOfTheFileIsTakenWhenItIsNewer) {
  require_ok(import(hosts(3)));
  std::vector<std::string> lines = hosts(3);
  lines[0] = "@ 3600 SOA ns1 admin 2030010101 3600 600 604800 300";
  EXPECT_EQ(require_ok(import(lines)).serial, 2030010101u);
  EXPECT_EQ(serial(), 2030010101u);
  lines.push_back("www 60 A 192.0.2.1");
  EXPECT_EQ(require_ok(import(lines)).serial, 2030010102u);
}

TEST_F(ImportTest, RecordsThatStayKeepTheirOwner) {
  require_ok(import(hosts(2)));
  require_ok(writer_->apply(mcq_, {.zone = origin_, .operations = {adding("mcq 60 A 192.0.2.1")}}));
  std::vector<std::string> lines = hosts(2);
  lines.push_back("mcq 60 A 192.0.2.1");

  EXPECT_FALSE(require_ok(import(lines)).changed);

  Writer::Import theirs = import_of(hosts(2));
  EXPECT_THAT(writer_->import(mcq_, theirs), ok()) << "its own record goes";
  theirs = import_of({kSoa, "@ 3600 NS ns1"});
  EXPECT_THAT(writer_->import(mcq_, theirs),
              failed_saying(Code::kPermissionDenied, "belongs to admin"));
}

TEST_F(ImportTest, MergeKeepsWhatIsThere) {
  require_ok(import({kSoa, "@ 60 NS ns1", "a 60 A 192.0.2.1", "b 60 A 192.0.2.1"}));

  const Outcome done = require_ok(
      merge({"b 30 A 192.0.2.2", "b 30 A 192.0.2.3", "c 60 A 192.0.2.1", "a 60 A 192.0.2.1"}));

  EXPECT_THAT(done.warnings, ElementsAre(HasSubstr("the TTL of 1 records")));
  EXPECT_THAT(content(),
              ElementsAre("@ 60 NS ns1.example.test.", "a 60 A 192.0.2.1", "b 30 A 192.0.2.1",
                          "b 30 A 192.0.2.2", "b 30 A 192.0.2.3", "c 60 A 192.0.2.1"));
  EXPECT_EQ(content(), rebuilt(origin_));
  EXPECT_THAT(merge({"a CNAME b"}), failed_with(Code::kConflict));
  EXPECT_THAT(merge({"below.a A 192.0.2.1", "a DNAME x"}), failed_with(Code::kConflict));
}

TEST_F(ImportTest, SeveralTtlsInOneRrsetBecomeTheSmallest) {
  const Outcome done =
      require_ok(import({kSoa, "@ 60 NS ns1", "a 60 A 192.0.2.2", "a 30 A 192.0.2.1",
                         "a 90 A 192.0.2.3", "a 90 A 192.0.2.3"}));
  EXPECT_EQ(done.warnings.size(), 1u);
  EXPECT_THAT(content(), ElementsAre("@ 60 NS ns1.example.test.", "a 30 A 192.0.2.1",
                                     "a 30 A 192.0.2.2", "a 30 A 192.0.2.3"));
}

TEST_F(ImportTest, WhatASignerMadeIsLeftOut) {
  Writer::Import signed_zone = import_of({kSoa, "@ 60 NS ns1"});
  signed_zone.create = true;
  signed_zone.records.push_back({.name = origin_, .type = Type::kRrsig, .rdata = Bytes("x")});
  signed_zone.records.push_back({.name = origin_, .type = Type::kNsec, .rdata = Bytes("x")});

  const Outcome done = require_ok(writer_->import(author_, signed_zone));

  EXPECT_THAT(done.warnings, ElementsAre(HasSubstr("2 records that a signer made")));
  EXPECT_THAT(content(), ElementsAre("@ 60 NS ns1.example.test."));
}

TEST_F(ImportTest, DryRunTellsTheDifferenceOnly) {
  require_ok(import(hosts(3)));
  Writer::Import next = import_of(hosts(2));
  next.dry_run = true;

  const Outcome told = require_ok(writer_->import(author_, next));

  EXPECT_EQ(told.removed, 1u);
  EXPECT_EQ(told.serial, 7u);
  EXPECT_EQ(content().size(), 4u);
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ImportTest, StaleSerialRefusesIt) {
  require_ok(import(hosts(3)));
  Writer::Import next = import_of(hosts(2));
  next.if_serial = 6;
  EXPECT_THAT(writer_->import(author_, next), failed_with(Code::kFailedPrecondition));
}

// An import that loses 60 % of the names is refused with the counts and
// passes when it is forced.
TEST_F(ImportTest, ThatLosesMostNamesIsRefusedWithTheCountsUnlessForced) {
  require_ok(import(hosts(99)));
  const auto before = content();

  EXPECT_THAT(import(hosts(39)),
              failed_saying(Code::kFailedPrecondition,
                            "guard: this would remove 60 of the 100 names of example.test."));
  EXPECT_THAT(import(hosts(39)), failed_saying(Code::kFailedPrecondition, "--force"));
  EXPECT_EQ(content(), before);
  EXPECT_EQ(serial(), 7u);

  EXPECT_THAT(import(hosts(39), true), ok());
  EXPECT_EQ(content().size(), 40u);
}

TEST_F(ImportTest, GuardLetsSmallLossesPass) {
  require_ok(import(hosts(99)));
  EXPECT_THAT(import(hosts(50)), ok()) << "49 %";
  EXPECT_THAT(import(hosts(31)), ok()) << "19 names";
  EXPECT_THAT(import(hosts(11)), failed_with(Code::kFailedPrecondition)) << "20 names of 32";
}

TEST_F(ImportTest, GuardHoldsForABatchToo) {
  require_ok(import(hosts(40)));
  Batch batch{.zone = origin_};
  for (int i = 0; i < 30; ++i) {
    batch.operations.push_back(
        {.kind = Operation::Kind::kDeleteName, .name = name(dsl::text("host{}.example.test.", i))});
  }
  EXPECT_THAT(writer_->apply(author_, batch), failed_saying(Code::kFailedPrecondition, "guard"));
  batch.force = true;
  EXPECT_THAT(writer_->apply(author_, batch), ok());
}

TEST_F(ImportTest, LargerThanTheJournalIsKeptWhole) {
  open({.journal_rows_max = 100});
  require_ok(import(hosts(50)));
  EXPECT_EQ(history(origin_).size(), 51u);

  const Outcome done = require_ok(import(hosts(300)));

  EXPECT_EQ(done.added, 250u);
  EXPECT_THAT(done.changes, IsEmpty());
  EXPECT_EQ(content().size(), 301u);
  EXPECT_EQ(stored_zone().journal_rows, 0u);
  EXPECT_THAT(history(origin_), IsEmpty());
  EXPECT_THAT(writer_->rollback(author_, origin_, 7, std::nullopt, false),
              failed_with(Code::kNotFound));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ImportTest, RecordsMayBeToldOneByOne) {
  Writer::Import import{.zone = origin_};
  import.create = true;
  import.read = [&](const Writer::Import::Take& take)
                    ->dsl::Result<void> {
                      for (const char* text: {kSoa, "@ 60 NS ns1", "b 60 A 192.0.2.1",
                                              "a 60 A 192.0.2.1"}) {
                        take(record(text, origin_));
}
return {};
};  // namespace
EXPECT_EQ(require_ok(writer_->import(author_, import)).added, 3u);
EXPECT_EQ(content().size(), 3u);

import.read = [&](const Writer::Import::Take& take)
                  ->dsl::Result<void> {
                    take(record("@ 60 NS ns2", origin_));
return dsl::fail(Code::kUnprocessable, "line 2 is none");
};  // namespace mcns::writer
EXPECT_THAT(writer_->import(author_, import), failed_saying(Code::kUnprocessable, "line 2"));
EXPECT_EQ(content().size(), 3u);
}

}  // namespace
}  // namespace mcns::writer
