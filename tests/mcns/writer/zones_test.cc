// Zones that come, change and go.
#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

class ZonesTest : public WriterTest {};

TEST_F(ZonesTest, ZoneWithoutUsableFieldsIsRefused) {
  const auto created = [&](const std::function<void(store::ZoneRow&)>& spoil) {
    store::ZoneRow row = zone_row();
    spoil(row);
    return writer_->create_zone(author_, row, {});
  };
  EXPECT_THAT(created([](auto& row) { row.soa.primary_ns = Name(); }),
              failed_saying(Code::kInvalidArgument, "primary_ns"));
  EXPECT_THAT(created([](auto& row) { row.soa.primary_ns = name("n_s.test."); }),
              failed_saying(Code::kInvalidArgument, "primary_ns"));
  EXPECT_THAT(created([](auto& row) { row.default_ttl = 1u << 31; }),
              failed_saying(Code::kInvalidArgument, "default_ttl"));
  EXPECT_THAT(created([](auto& row) { row.soa.expire_s = 1u << 31; }),
              failed_saying(Code::kInvalidArgument, "expire"));
  EXPECT_THAT(content(), ElementsAre("no zone"));
}

TEST_F(ZonesTest, NewZoneIsServedWithItsPrimaryServerAsNs) {
  const Outcome done = require_ok(create());

  EXPECT_EQ(done.serial, 2026010101u);
  EXPECT_TRUE(done.changed);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test."));
  EXPECT_EQ(serial(), 2026010101u);
  EXPECT_THAT(history(origin_), ElementsAre("+@ 300 NS ns1.example.test. admin api"));
}

TEST_F(ZonesTest, NewZoneKeepsItsOwnNsRecordsAndSerial) {
  store::ZoneRow row = zone_row();
  row.soa.serial = 17;
  require_ok(writer_->create_zone(
      author_, row, {record("@ NS a.ns.test.", origin_), record("www 60 A 192.0.2.1", origin_)}));

  EXPECT_THAT(content(), ElementsAre("@ 300 NS a.ns.test.", "www 60 A 192.0.2.1"));
  EXPECT_EQ(serial(), 17u);
}

TEST_F(ZonesTest, ZoneThatIsThereIsTold) {
  require_ok(create());
  EXPECT_THAT(create("EXAMPLE.test."), failed_saying(Code::kAlreadyExists, "at serial 2026010101"));
}

TEST_F(ZonesTest, PoliciesBeginInTheirOwnWay) {
  store::ZoneRow row = zone_row("increment.test.");
  row.serial_policy = store::SerialPolicy::kIncrement;
  EXPECT_EQ(require_ok(writer_->create_zone(author_, row, {})).serial, 1u);
  row = zone_row("unix.test.");
  row.serial_policy = store::SerialPolicy::kUnixtime;
  EXPECT_EQ(require_ok(writer_->create_zone(author_, row, {})).serial, 1767225600u);
}

// What others have said of these names may be wrong from then on.
TEST_F(ZonesTest, WhoeverIsToldHearsOfZonesAndDelegationsThatMoveBeforeTheWriterDoes) {
  std::vector<std::string> moved;
  open({.moved = [&](const std::vector<Name>& names) {
    for (const Name& each : names) {
      moved.push_back(each.text());
    }
  }});
  const auto told = [&] { return std::exchange(moved, {}); };

  require_ok(create());
  EXPECT_THAT(told(), ElementsAre("example.test."));
  require_ok(add("www A 192.0.2.1"));
  require_ok(add("@ NS ns2.elsewhere.net."));
  EXPECT_THAT(told(), IsEmpty());
  require_ok(add("child NS ns.elsewhere.net."));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  require_ok(apply(setting("child NS ns3.elsewhere.net.")));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  // Others are found by the addresses below it that its servers have.
  require_ok(apply(setting("child NS ns.a.child")));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  require_ok(add("NS.a.child A 192.0.2.53"));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  require_ok(add("ns.a.child AAAA 2001:db8::53"));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  require_ok(apply(setting("ns.a.child A 192.0.2.54")));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  require_ok(add("www.child A 192.0.2.53"));
  require_ok(add("child2 A 192.0.2.53"));
  EXPECT_THAT(told(), IsEmpty());
  require_ok(
      apply(std::vector<Operation>{setting("child NS child"), setting("child A 192.0.2.55")}));
  EXPECT_THAT(told(), ElementsAre("child.example.test.")) << "once";
  require_ok(apply(deleting_all("child", "A")));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  require_ok(apply(deleting_all("child", "NS")));
  EXPECT_THAT(told(), ElementsAre("child.example.test."));
  require_ok(add("ns.child A 192.0.2.53"));
  EXPECT_THAT(told(), IsEmpty());
  require_ok(writer_->delete_zone(author_, origin_, std::nullopt, false));
  EXPECT_THAT(told(), ElementsAre("example.test."));
}

TEST_F(ZonesTest, SoaFieldsThatChangeMoveTheSerialAndAreInTheJournal) {
  require_ok(create());

  const Outcome done =
      require_ok(writer_->update_zone(author_, {.zone = origin_, .refresh_s = 7200}));

  EXPECT_TRUE(done.changed);
  EXPECT_EQ(done.serial, 2026010102u);
  EXPECT_EQ(serial(), 2026010102u);
  EXPECT_EQ(stored_zone().soa.refresh_s, 7200u);
  const auto changes = history(origin_);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_THAT(changes[1], HasSubstr("-@ 300 SOA ns1.example.test. admin.example.test. 2026010101"));
  EXPECT_THAT(changes[2], HasSubstr("+@ 300 SOA ns1.example.test. admin.example.test. 2026010102 "
                                    "7200"));
}

TEST_F(ZonesTest, SettingsThatNobodyIsAnsweredMoveNoSerial) {
  require_ok(create());
  const ZoneUpdate update{.zone = origin_, .default_ttl = 60, .auto_ptr = true};

  const Outcome done = require_ok(writer_->update_zone(author_, update));

  EXPECT_TRUE(done.changed);
  EXPECT_EQ(done.serial, 2026010101u);
  EXPECT_TRUE(stored_zone().auto_ptr);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test."));
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test.", "www 60 A 192.0.2.1"));

  EXPECT_FALSE(require_ok(writer_->update_zone(author_, update)).changed);
}

TEST_F(ZonesTest, UpdateLeavesAloneWhatItDoesNotGive) {
  require_ok(create());

  require_ok(writer_->update_zone(author_, {.zone = origin_, .auto_ptr = true}));
  require_ok(writer_->update_zone(author_, {.zone = origin_, .default_ttl = 60}));
  require_ok(writer_->update_zone(
      author_, {.zone = origin_, .serial_policy = store::SerialPolicy::kUnixtime}));

  const store::ZoneRow row = stored_zone();
  EXPECT_TRUE(row.auto_ptr);
  EXPECT_EQ(row.default_ttl, 60u);
  EXPECT_EQ(row.serial_policy, store::SerialPolicy::kUnixtime);
  EXPECT_EQ(row.soa.primary_ns, name("ns1.example.test."));
}

TEST_F(ZonesTest, UpdateOfAZoneThatIsBeyondTheSerialIsRefused) {
  require_ok(create());
  const std::uint32_t before = serial();
  require_ok(add("www A 192.0.2.1"));

  EXPECT_THAT(
      writer_->update_zone(author_, {.zone = origin_, .auto_ptr = true, .if_serial = before}),
      failed_saying(Code::kFailedPrecondition, "is at serial 2026010102"));
  EXPECT_FALSE(stored_zone().auto_ptr);
  EXPECT_TRUE(require_ok(writer_->update_zone(author_,
                                              {.zone = origin_, .auto_ptr = true, .dry_run = true}))
                  .changed);
  EXPECT_FALSE(stored_zone().auto_ptr) << "that was a dry run";
}

TEST_F(ZonesTest, SerialIsTakenOnlyWhenItIsNewer) {
  require_ok(create());
  const auto updated = [&](std::uint32_t serial) {
    return writer_->update_zone(author_, {.zone = origin_, .serial = serial});
  };
  EXPECT_THAT(updated(2026010100),
              failed_saying(Code::kInvalidArgument, "serial: 2026010100 is not newer"));

  EXPECT_EQ(require_ok(updated(3000000000)).serial, 3000000000u);
  EXPECT_EQ(serial(), 3000000000u);
  EXPECT_EQ(require_ok(add("www A 192.0.2.1")).serial, 3000000001u);
  EXPECT_EQ(history(origin_).size(), 4u) << "NS, the SOA twice, A: no serial without changes";
}

TEST_F(ZonesTest, DeletedZoneIsGoneWithAllOfIt) {
  require_ok(create());
  require_ok(add("www A 192.0.2.1"));
  EXPECT_THAT(writer_->delete_zone(author_, name("other.test."), std::nullopt, false),
              failed_with(Code::kNotFound));

  EXPECT_THAT(writer_->delete_zone(author_, origin_, std::nullopt, false), ok());

  EXPECT_THAT(content(), ElementsAre("no zone"));
  EXPECT_THAT(add("www A 192.0.2.1"), failed_with(Code::kNotFound));
  open();
  EXPECT_THAT(content(), ElementsAre("no zone"));
}

TEST_F(ZonesTest, ZoneThatIsBeyondTheSerialIsNotDeleted) {
  require_ok(create());
  const std::uint32_t before = serial();
  require_ok(add("www A 192.0.2.1"));

  EXPECT_THAT(writer_->delete_zone(author_, origin_, before, false),
              failed_saying(Code::kFailedPrecondition, "is at serial 2026010102"));
  EXPECT_THAT(writer_->delete_zone(author_, origin_, serial(), true), ok());
  EXPECT_EQ(content().size(), 2u) << "neither was done";
  EXPECT_THAT(writer_->delete_zone(author_, origin_, serial(), false), ok());
  EXPECT_THAT(content(), ElementsAre("no zone"));
}

TEST_F(ZonesTest, ZoneThatComesBackGoesOnFromItsSerial) {
  require_ok(create());
  const Outcome done = require_ok(add("www A 192.0.2.1"));
  const std::int64_t id = done.records[0].id;
  require_ok(writer_->delete_zone(author_, origin_, std::nullopt, false));
  open();

  EXPECT_EQ(require_ok(create()).serial, 2026010103u);
  EXPECT_THAT(content(), ElementsAre("@ 300 NS ns1.example.test."));
  EXPECT_GT(require_ok(add("www A 192.0.2.1")).records[0].id, id) << "no number comes twice";
}

TEST_F(ZonesTest, RootAndZonesInsideOfZonesAreZonesAsOthers) {
  require_ok(create("."));
  require_ok(create("test."));
  require_ok(create());
  const Name root;
  EXPECT_THAT(writer::content(*zones_, root), ElementsAre("@ 300 NS ns1."));
  require_ok(add("www A 192.0.2.1"));
  EXPECT_EQ(content().size(), 2u);
  EXPECT_EQ(rebuilt(root), writer::content(*zones_, root));
}

}  // namespace
}  // namespace mcns::writer
