#include "mcns/service/image_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/rdata/rdata.h"
#include "mcns/service/unchangeable_writer.h"
#include "mcns/store/record_table.h"
#include "mcns/store/zone_table.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::db::Transaction;
using dsl::test::failed_with;
using dsl::test::require_ok;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Name kOrigin = Name::parse("example.test.").value();
const dsl::env::WallTime kAsOf{std::chrono::milliseconds(1'775'000'000'000)};

dsl::Error damage() {
  dsl::Error why(Code::kFailedPrecondition, "the database is damaged");
  why.set_hint("mcns restore");
  return why;
}

class ImageDatabaseTest : public ::testing::Test {
 protected:
  ImageDatabaseTest() {
    env_.use_real_clock();
    zone::Edit edit(zones_);
    edit.create(7, kOrigin);
    Soa soa;
    soa.primary_ns = require_ok(kOrigin.child("ns"));
    soa.serial = 2026040300;
    soa.expire_s = 4321;
    edit.put(kOrigin, {kOrigin, Type::kSoa, 600, {soa.rdata()}});
    edit.put(kOrigin, {kOrigin, Type::kNs, 60, {soa.primary_ns.wire()}});
    // With an empty non-terminal above it.
    const Name deep = require_ok(Name::parse("WWW.a.example.test."));
    edit.put(kOrigin, {deep, Type::kA, 30, {Bytes("\300\0\2\1", 4), Bytes("\300\0\2\2", 4)}});
    edit.publish();
    database_ = image_database(env_, zones_, damage(), kAsOf);
  }

  dsl::test::TestEnv env_;
  zone::Store zones_;
  std::unique_ptr<dsl::db::Database> database_;
};

TEST_F(ImageDatabaseTest, ZonesAndRecordsAreThoseThatAreAnswered) {
  const auto zones =
      require_ok(database_->read([](Transaction& tx) { return store::all_zones(tx); }));
  ASSERT_THAT(zones, SizeIs(1));
  EXPECT_EQ(zones[0].id, 7);
  EXPECT_EQ(zones[0].soa.serial, 2026040300u);
  EXPECT_EQ(zones[0].soa.expire_s, 4321u);
  EXPECT_EQ(zones[0].soa_ttl, 600u);
  EXPECT_EQ(zones[0].updated_at, kAsOf);

  const auto page = require_ok(database_->read(
      [&](Transaction& tx) { return store::list_records(tx, zones[0], {}, "", 10); }));
  ASSERT_THAT(page.records, SizeIs(3));
  EXPECT_EQ(page.records[0].type, Type::kNs);
  EXPECT_EQ(page.records[2].name.text(), "WWW.a.example.test.");
  EXPECT_EQ(page.records[2].ttl, 30u);
  EXPECT_EQ(page.records[2].rdata, Bytes("\300\0\2\2", 4));
}

TEST_F(ImageDatabaseTest, EveryWriteIsRefusedWithTheReason) {
  const dsl::Result<void> written =
      database_->write([](Transaction& tx) { return tx.run("DELETE FROM zones"); });
  ASSERT_THAT(written, failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(written.error().hint(), HasSubstr("mcns restore"));
  EXPECT_THAT(database_->check(), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(database_->snapshot("/copy.db"), failed_with(Code::kFailedPrecondition));

  const auto writer = unchangeable_writer(damage());
  EXPECT_THAT(writer->apply({}, {.zone = kOrigin}), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(writer->delete_zone({}, kOrigin, std::nullopt, false),
              failed_with(Code::kFailedPrecondition));
}

}  // namespace
}  // namespace mcns
