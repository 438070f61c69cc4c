// The journal, and the way back.
#include <map>
#include <set>

#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

class HistoryTest : public WriterTest {
 protected:
  HistoryTest() { require_ok(create()); }

  dsl::Result<Outcome> rollback(std::uint32_t serial, bool dry_run = false) {
    return writer_->rollback(author_, origin_, serial, std::nullopt, dry_run);
  }
};

TEST_F(HistoryTest, SaysWhoDidWhatWhenAndHow) {
  require_ok(writer_->apply(mcq_, {.zone = origin_, .operations = {adding("mcq 60 A 192.0.2.1")}}));
  require_ok(apply(setting("mcq 60 A 192.0.2.2")));

  EXPECT_THAT(history(origin_),
              ElementsAre("+@ 300 NS ns1.example.test. admin api", "+mcq 60 A 192.0.2.1 mcq api",
                          "-mcq 60 A 192.0.2.1 admin api", "+mcq 60 A 192.0.2.2 admin api"));
}

TEST_F(HistoryTest, SerialsFormAChain) {
  for (int i = 0; i < 5; ++i) {
    require_ok(add(dsl::text("a{} A 192.0.2.1", i)));
  }
  require_ok(apply({adding("b A 192.0.2.1"), adding("c A 192.0.2.1")}));
  const auto changes =
      read([&](dsl::db::Transaction& tx) -> dsl::Result<std::vector<store::ChangeRow>> {
        MC_ASSIGN(const auto zone, store::find_zone(tx, origin_));
        return store::changes_since(tx, *zone, 2026010101);
      });
  ASSERT_EQ(changes.size(), 7u);
  for (std::size_t i = 1; i < changes.size(); ++i) {
    EXPECT_TRUE(changes[i].serial_from == changes[i - 1].serial_to ||
                changes[i].serial_to == changes[i - 1].serial_to);
    EXPECT_GT(changes[i].id, changes[i - 1].id);
  }
}

TEST_F(HistoryTest, RollbackRestoresTheStateAsANewSerial) {
  require_ok(apply({adding("a 60 A 192.0.2.1"), adding("b 60 A 192.0.2.1")}));
  const auto before = content();
  const std::uint32_t target = serial();
  require_ok(apply(setting("a 60 A 192.0.2.2")));
  require_ok(apply(deleting("b A 192.0.2.1")));
  require_ok(apply(adding("c 30 TXT x")));
  require_ok(add("a 30 A 192.0.2.3"));

  const Outcome told = require_ok(rollback(target, true));
  EXPECT_EQ(told.serial, 2026010106u);
  EXPECT_NE(content(), before);

  const Outcome done = require_ok(rollback(target));

  EXPECT_EQ(done.serial, 2026010107u);
  EXPECT_EQ(done.changes.back().source, "rollback");
  EXPECT_EQ(content(), before);
  EXPECT_EQ(content(), rebuilt(origin_));
  EXPECT_FALSE(require_ok(rollback(done.serial)).changed);

  // And forth again.
  require_ok(rollback(2026010106));
  EXPECT_EQ(content().size(), 4u);
}

TEST_F(HistoryTest, RollbackOfWhatTheCallerHasNotSeenIsRefused) {
  const std::uint32_t target = serial();
  require_ok(add("a A 192.0.2.1"));
  const std::uint32_t seen = serial();
  require_ok(add("b A 192.0.2.1"));

  EXPECT_THAT(writer_->rollback(author_, origin_, target, seen, false),
              failed_saying(Code::kFailedPrecondition, "is at serial 2026010103"));
  EXPECT_EQ(content().size(), 3u);
  EXPECT_THAT(writer_->rollback(author_, origin_, target, serial(), false), ok());
  EXPECT_EQ(content().size(), 1u);
}

TEST_F(HistoryTest, RollbackRestoresOwnersAndSoaFields) {
  require_ok(writer_->apply(mcq_, {.zone = origin_, .operations = {adding("mcq 60 A 192.0.2.1")}}));
  const std::uint32_t target = serial();
  require_ok(apply(deleting("mcq A 192.0.2.1")));
  require_ok(writer_->update_zone(author_, {.zone = origin_, .refresh_s = 1}));

  require_ok(rollback(target));

  EXPECT_EQ(stored_zone().soa.refresh_s, 3600u);
  EXPECT_THAT(writer_->apply(mcq_, {.zone = origin_, .operations = {deleting("mcq A 192.0.2.1")}}),
              ok());
}

TEST_F(HistoryTest, RollbackToASerialThatIsUnknownOrBeforeTheZoneIsNotFound) {
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(rollback(17), failed_saying(Code::kNotFound, "does not reach back to serial 17"));
  EXPECT_THAT(rollback(0), failed_with(Code::kNotFound));
  EXPECT_THAT(rollback(2026010101), ok()) << "its first";
}

TEST_F(HistoryTest, JournalIsBoundedAndKeepsWholeSerials) {
  open({.journal_rows_max = 50});
  for (int i = 0; i < 100; ++i) {
    require_ok(apply(setting(dsl::text("a 60 A 192.0.2.{}", i), {"192.0.2.200", "192.0.2.201"})));
    const store::ZoneRow zone = stored_zone();
    EXPECT_LE(zone.journal_rows, 50u);
    EXPECT_EQ(zone.journal_rows, history(origin_).size());
  }
  const auto changes =
      read([&](dsl::db::Transaction& tx) -> dsl::Result<std::vector<store::ChangeRow>> {
        MC_ASSIGN(const auto zone, store::find_zone(tx, origin_));
        return store::list_changes(tx, *zone, 0, 1000);
      });
  std::map<std::uint32_t, int> by_serial;
  for (const store::ChangeRow& change : changes) {
    ++by_serial[change.serial_to];
  }
  for (const auto& [serial, rows] : by_serial) {
    EXPECT_EQ(rows, 2) << serial;
  }
  EXPECT_THAT(rollback(changes.back().serial_from), ok()) << "the oldest that is kept";
}

}  // namespace
}  // namespace mcns::writer
