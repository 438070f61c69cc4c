// Operations: what they do, and what they refuse.
#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

class ApplyTest : public WriterTest {
 protected:
  ApplyTest() { require_ok(create()); }
};

// --- what is refused ---

TEST_F(ApplyTest, UnknownZoneNamesTheNearest) {
  const auto in = [&](const char* zone) {
    return writer_->apply(author_, {.zone = name(zone), .operations = {}});
  };

  EXPECT_THAT(in("exampel.test."), failed_saying(Code::kNotFound, "did you mean example.test.?"));
  EXPECT_THAT(in("www.example.test."),
              failed_saying(Code::kNotFound, "did you mean example.test.?"));
  EXPECT_THAT(in("somewhere.else."), failed_saying(Code::kNotFound, "mcns zone list"));
}

TEST_F(ApplyTest, ZoneBeyondTheSerialThatWasExpectedIsLeftAlone) {
  const std::uint32_t before = serial();
  require_ok(add("www A 192.0.2.1"));

  const auto stale = writer_->apply(
      author_, {.zone = origin_, .operations = {adding("www A 192.0.2.2")}, .if_serial = before});
  EXPECT_THAT(stale, failed_saying(Code::kFailedPrecondition, "is at serial 2026010102"));

  EXPECT_THAT(writer_->apply(author_, {.zone = origin_,
                                       .operations = {adding("www A 192.0.2.2")},
                                       .if_serial = before + 1}),
              ok());
}

TEST_F(ApplyTest, NameOutsideOfTheZoneIsRefused) {
  Operation operation = adding("www A 192.0.2.1");
  operation.name = name("www.example.org.");
  EXPECT_THAT(apply(operation), failed_saying(Code::kInvalidArgument, "name: www.example.org."));
}

TEST_F(ApplyTest, MalformedRdataIsRefused) {
  Operation operation = adding("www A 192.0.2.1");
  operation.rdata = {Bytes("\1\2\3")};
  EXPECT_THAT(apply(operation), failed_saying(Code::kInvalidArgument, "value"));
  operation.rdata = {};
  EXPECT_THAT(apply(operation), failed_with(Code::kInvalidArgument));
  operation.kind = Operation::Kind::kSet;
  EXPECT_THAT(apply(operation), failed_with(Code::kInvalidArgument));
}

TEST_F(ApplyTest, OneBadOperationOfSeveralIsNamedAndNothingIsDone) {
  const std::uint32_t before = serial();

  const auto result = apply({adding("a A 192.0.2.1"), adding("b A 192.0.2.1"),
                             deleting("nobody A 192.0.2.1"), adding("c A 192.0.2.1")});

  ASSERT_THAT(result, failed_saying(Code::kNotFound, "nobody.example.test. A 192.0.2.1"));
  ASSERT_EQ(result.error().details().size(), 1u);
  EXPECT_EQ(result.error().details()[0].where, "operations[2]");
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test."));
  EXPECT_EQ(serial(), before);
}

TEST_F(ApplyTest, RecordOfAnotherOwnerIsDeniedNamingHim) {
  require_ok(writer_->apply({.account = "mcp-agent"},
                            {.zone = origin_, .operations = {adding("mcq 60 A 192.0.2.1")}}));
  const auto as_mcq = [&](Operation operation) {
    return writer_->apply(mcq_, {.zone = origin_, .operations = {std::move(operation)}});
  };

  EXPECT_THAT(as_mcq(deleting("mcq A 192.0.2.1")),
              failed_saying(Code::kPermissionDenied, "belongs to mcp-agent"));
  EXPECT_THAT(as_mcq(setting("mcq A 192.0.2.2")), failed_with(Code::kPermissionDenied));
  EXPECT_THAT(as_mcq({.kind = Operation::Kind::kDeleteName, .name = name("mcq.example.test.")}),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(as_mcq(adding("mcq 300 A 192.0.2.2")), failed_with(Code::kPermissionDenied))
      << "it would move the TTL of the other's record";
  EXPECT_THAT(as_mcq(adding("mcq 60 A 192.0.2.2")), ok()) << "beside it";
  EXPECT_THAT(as_mcq(deleting("mcq A 192.0.2.2")), ok()) << "its own";
}

TEST_F(ApplyTest, WhoMayTouchOthersLeavesThemTheirOwner) {
  require_ok(writer_->apply(mcq_, {.zone = origin_, .operations = {adding("mcq A 192.0.2.1")}}));

  const Outcome done = require_ok(apply(setting("mcq 60 A 192.0.2.1", {"192.0.2.2"})));

  ASSERT_EQ(done.records.size(), 2u);
  EXPECT_EQ(done.records[0].owner, "mcq");
  EXPECT_EQ(done.records[1].owner, "admin");
}

TEST_F(ApplyTest, AddingWhatIsThereAlreadyIsToldAsSuch) {
  require_ok(add("www 60 A 192.0.2.1"));
  EXPECT_THAT(add("WWW 60 A 192.0.2.1"), failed_with(Code::kAlreadyExists));
  EXPECT_THAT(add("www A 192.0.2.1"), failed_with(Code::kAlreadyExists)) << "no TTL is its TTL";
  EXPECT_THAT(add("mail MX 10 mx.example.test."), ok());
  EXPECT_THAT(add("mail MX 10 MX.Example.TEST."), failed_with(Code::kAlreadyExists));
  EXPECT_THAT(add("v6 AAAA ::1"), ok());
  EXPECT_THAT(add("v6 AAAA 0:0:0:0:0:0:0:1"), failed_with(Code::kAlreadyExists));
}

TEST_F(ApplyTest, DeletingWhatIsNotThereIsNotFound) {
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(apply(deleting("www A 192.0.2.9")), failed_with(Code::kNotFound));
  EXPECT_THAT(apply(deleting_all("www", "AAAA")), failed_with(Code::kNotFound));
  EXPECT_THAT(apply({.kind = Operation::Kind::kDeleteName, .name = name("w.example.test.")}),
              failed_with(Code::kNotFound));
}

TEST_F(ApplyTest, ChangeOfARecordThatIsGoneIsNotFoundAndAddsNothing) {
  const std::int64_t id = require_ok(add("www A 192.0.2.1")).records[0].id;
  require_ok(apply(deleting("www A 192.0.2.1")));

  EXPECT_THAT(apply(changing(id, "www 60 A 192.0.2.1", false)),
              failed_saying(Code::kNotFound, dsl::text("no record {}", id)));
  EXPECT_THAT(apply(changing(id, "www A 192.0.2.2")), failed_with(Code::kNotFound));
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(apply(changing(id, "www 60 A 192.0.2.1", false)), failed_with(Code::kNotFound))
      << "another one has its value";
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 300 A 192.0.2.1"));
}

TEST_F(ApplyTest, ChangeThatIsNoneIsRefusedBeforeItIsQueued) {
  EXPECT_THAT(apply(changing(0, "www A 192.0.2.1")), failed_saying(Code::kInvalidArgument, "id"));
  Operation two = changing(7, "www A 192.0.2.1");
  two.rdata.push_back(two.rdata.front());
  EXPECT_THAT(apply(two), failed_saying(Code::kInvalidArgument, "value"));
  EXPECT_THAT(apply(changing(7, "www 3000000000 A 192.0.2.1", false)),
              failed_saying(Code::kInvalidArgument, "ttl"));
}

TEST_F(ApplyTest, ChangeOfARecordOfAnotherOwnerIsDenied) {
  const std::int64_t id = require_ok(add("mcq A 192.0.2.1")).records[0].id;
  const auto as_mcq = [&](Operation operation) {
    return writer_->apply(mcq_, {.zone = origin_, .operations = {std::move(operation)}});
  };

  EXPECT_THAT(as_mcq(changing(id, "mcq 60 A 192.0.2.1", false)),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(as_mcq(changing(id, "mcq A 192.0.2.2")), failed_with(Code::kPermissionDenied));
}

TEST_F(ApplyTest, WhatIsWrongIsInTheDetailsWithItsField) {
  const auto field_of = [&](std::string_view text) -> std::string {
    const auto result = add(text);
    return result || result.error().details().empty() ? "" : result.error().details()[0].where;
  };

  EXPECT_EQ(field_of("www 3000000000 A 192.0.2.1"), "ttl");
  EXPECT_EQ(field_of("*.www NS ns1"), "name");
  EXPECT_EQ(field_of("www NS n_s"), "value");
  EXPECT_EQ(field_of("www NSEC a. A"), "type");
  const auto several = apply({adding("a A 192.0.2.1"), adding("*.www NS ns1")});
  ASSERT_EQ(several.error().details().size(), 1u);
  EXPECT_EQ(several.error().details()[0].where, "operations[1]");
}

// --- what is done ---

TEST_F(ApplyTest, ChangeMovesTheTtlAndTheRecordKeepsItsNumber) {
  const std::int64_t id = require_ok(add("www A 192.0.2.1")).records[0].id;
  require_ok(add("www A 192.0.2.2"));

  const Outcome slower = require_ok(apply(changing(id, "www 60 A 192.0.2.1", false)));

  ASSERT_EQ(slower.records.size(), 1u);
  EXPECT_EQ(slower.records[0].id, id);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 60 A 192.0.2.1",
                                     "www 60 A 192.0.2.2"));
  EXPECT_FALSE(require_ok(apply(changing(id, "www A 192.0.2.1", false))).changed) << "no TTL given";
}

TEST_F(ApplyTest, ChangeOfTheValueKeepsTheTtlThatTheRecordHasByThen) {
  const std::int64_t id = require_ok(add("www A 192.0.2.1")).records[0].id;
  require_ok(apply(setting("www 60 A 192.0.2.1")));

  const Outcome moved = require_ok(apply(changing(id, "www A 192.0.2.2")));

  ASSERT_EQ(moved.records.size(), 1u);
  EXPECT_GT(moved.records[0].id, id);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 60 A 192.0.2.2"));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ApplyTest, AddedRecordIsServedAndItsStoredFormTold) {
  const Outcome done = require_ok(add("www A 192.0.2.1"));

  EXPECT_EQ(done.serial, 2026010102u);
  EXPECT_TRUE(done.changed);
  EXPECT_EQ(done.added, 1u);
  EXPECT_EQ(done.removed, 0u);
  ASSERT_EQ(done.records.size(), 1u);
  EXPECT_GT(done.records[0].id, 0);
  EXPECT_EQ(done.records[0].ttl, 300u);
  EXPECT_EQ(done.records[0].owner, "admin");
  EXPECT_EQ(serial(), 2026010102u);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 300 A 192.0.2.1"));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ApplyTest, CaseAsFirstWrittenStays) {
  require_ok(add("WWW TXT first"));
  require_ok(add("www A 192.0.2.1"));
  require_ok(add("www MX 10 Mail.Example.TEST."));
  require_ok(apply(setting("www MX 10 mail.example.test.", {"20 Other.example.test."})));

  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "WWW 300 A 192.0.2.1",
                                     "WWW 300 MX 10 Mail.Example.TEST.",
                                     "WWW 300 MX 20 Other.example.test.", "WWW 300 TXT \"first\""));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ApplyTest, ANameThatWasEmptyHasTheCaseOfItsOwnFirstRecord) {
  require_ok(add("X.A TXT below"));
  require_ok(add("a TXT itself"));

  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "X.A 300 TXT \"below\"",
                                     "a 300 TXT \"itself\""));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ApplyTest, AnotherTtlMovesTheWholeRrsetAndSaysSo) {
  require_ok(add("www A 192.0.2.1"));
  require_ok(add("www A 192.0.2.2"));

  const Outcome done = require_ok(add("www 60 A 192.0.2.3"));

  EXPECT_THAT(done.warnings,
              ElementsAre("the TTL of the 2 other A records of www.example.test. became 60"));
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 60 A 192.0.2.1",
                                     "www 60 A 192.0.2.2", "www 60 A 192.0.2.3"));
  EXPECT_EQ(done.removed, 2u);
  EXPECT_EQ(done.added, 3u);
  EXPECT_FALSE(done.changes.front().added) << "deletions first";
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ApplyTest, SetReplacesTheRrsetAndKeepsWhatStays) {
  require_ok(apply(setting("www A 192.0.2.1", {"192.0.2.2"})));

  const Outcome done = require_ok(apply(setting("www A 192.0.2.2", {"192.0.2.3", "192.0.2.3"})));

  EXPECT_EQ(done.removed, 1u);
  EXPECT_EQ(done.added, 1u);
  EXPECT_EQ(done.records.size(), 2u);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 300 A 192.0.2.2",
                                     "www 300 A 192.0.2.3"));
}

TEST_F(ApplyTest, DeletingARecordAnRrsetAndAName) {
  require_ok(apply({adding("www A 192.0.2.1"), adding("www A 192.0.2.2"),
                    adding("www AAAA 2001:db8::1"), adding("www TXT x")}));

  require_ok(apply(deleting("www A 192.0.2.1")));
  EXPECT_EQ(content().size(), 4u);
  require_ok(apply(deleting_all("www", "AAAA")));
  EXPECT_EQ(content().size(), 3u);
  require_ok(apply({.kind = Operation::Kind::kDeleteName, .name = name("www.example.test.")}));
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test."));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ApplyTest, WhatChangesNothingMovesNoSerial) {
  require_ok(add("www A 192.0.2.1"));
  const std::uint32_t before = serial();

  const Outcome same = require_ok(apply(setting("www A 192.0.2.1")));
  EXPECT_FALSE(same.changed);
  EXPECT_EQ(same.serial, before);
  EXPECT_EQ(same.records.size(), 1u);

  const Outcome there_and_back =
      require_ok(apply({adding("x A 192.0.2.1"), deleting("x A 192.0.2.1"),
                        deleting("www A 192.0.2.1"), adding("www A 192.0.2.1")}));
  EXPECT_FALSE(there_and_back.changed);
  EXPECT_EQ(serial(), before);
  EXPECT_EQ(history(origin_).size(), 2u) << "the NS and the A that was added first";
}

TEST_F(ApplyTest, ManyOperationsAreOneSerial) {
  std::vector<Operation> operations;
  for (int i = 0; i < 100; ++i) {
    operations.push_back(adding(dsl::text("host{} A 192.0.2.1", i)));
  }
  EXPECT_EQ(require_ok(apply(operations)).serial, 2026010102u);
  EXPECT_EQ(serial(), 2026010102u);
}

TEST_F(ApplyTest, DryRunTellsAndDoesNothing) {
  require_ok(add("www A 192.0.2.1"));
  const std::uint32_t before = serial();

  const Outcome told = require_ok(writer_->apply(
      author_, {.zone = origin_, .operations = {setting("www A 192.0.2.2")}, .dry_run = true}));

  EXPECT_EQ(told.serial, before);
  EXPECT_TRUE(told.changed);
  ASSERT_EQ(told.changes.size(), 2u);
  EXPECT_EQ(told.changes[0].serial_to, before + 1);
  EXPECT_EQ(serial(), before);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 300 A 192.0.2.1"));
  EXPECT_EQ(content(), rebuilt(origin_));
}

TEST_F(ApplyTest, DryRunRefusesAsTheRealOne) {
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(
      writer_->apply(author_,
                     {.zone = origin_, .operations = {adding("www CNAME other")}, .dry_run = true}),
      failed_with(Code::kConflict));
}

TEST_F(ApplyTest, WhatIsDoneTogetherIsInTheSameTransaction) {
  author_.together = [](dsl::db::Transaction& tx, const Outcome& outcome) {
    return tx.run("INSERT INTO seed_log(hash, entry, at) VALUES('h', ?, 0)", outcome.serial);
  };
  require_ok(add("www A 192.0.2.1"));
  const auto logged = [&] {
    std::string entry;
    read([&](dsl::db::Transaction& tx) {
      return tx.query("SELECT entry FROM seed_log", [&](dsl::db::Row& row) -> dsl::Result<void> {
        entry = row.text(0);
        return {};
      });
    });
    return entry;
  };
  EXPECT_EQ(logged(), "2026010102");

  EXPECT_THAT(add("www A 192.0.2.2"), failed_with(Code::kConflict)) << "the key is there already";
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 300 A 192.0.2.1"));
  EXPECT_EQ(serial(), 2026010102u);
  EXPECT_EQ(content(), rebuilt(origin_));
  author_.together = nullptr;
  EXPECT_EQ(require_ok(add("www A 192.0.2.3")).serial, 2026010103u);
}

TEST_F(ApplyTest, EverythingIsThereAfterARestart) {
  require_ok(apply({adding("www 60 A 192.0.2.1"), adding("*.w TXT \"a b\" c"),
                    adding("x TYPE65280 \\# 3 010203")}));
  const auto before = content();
  const std::uint32_t last = serial();

  open();

  EXPECT_EQ(content(), before);
  EXPECT_EQ(serial(), last);
  EXPECT_EQ(require_ok(add("www A 192.0.2.2")).serial, last + 1);
}

TEST_F(ApplyTest, SerialRunsOnPastNinetyNineAndReturnsToTheCalendar) {
  std::uint32_t last = serial();
  for (int i = 0; i < 150; ++i) {
    const std::uint32_t next = require_ok(add(dsl::text("h{} A 192.0.2.1", i))).serial;
    EXPECT_EQ(next, last + 1);
    last = next;
  }
  EXPECT_EQ(last, 2026010251u);
  env_.manual_clock().advance(std::chrono::hours(24));
  EXPECT_EQ(require_ok(add("a A 192.0.2.1")).serial, 2026010252u);
  env_.manual_clock().advance(std::chrono::hours(24));
  EXPECT_EQ(require_ok(add("b A 192.0.2.1")).serial, 2026010301u);
}

TEST_F(ApplyTest, ClockThatGoesBackMovesTheSerialOnAllTheSame) {
  env_.manual_clock().set_wall(dsl::env::WallTime(std::chrono::seconds(0)));
  EXPECT_EQ(require_ok(add("a A 192.0.2.1")).serial, 2026010102u);
}

}  // namespace
}  // namespace mcns::writer
