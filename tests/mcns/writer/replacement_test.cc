// Imports of more changes than the journal takes: the same zone as by drafts of its names, in all
// that anybody can see.
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

constexpr const char* kSoa = "@ 3600 SOA ns1 admin 7 3600 600 604800 300";

// One more database beside that of the fixture, whose imports are all replacements.
class ReplacementTest : public WriterTest {
 protected:
  ReplacementTest() {
    packed_database_ = require_ok(
        dsl::db::Database::open(env_, dir_.file("packed.db"), {.migrations = store::migrations()}));
    packed_ = require_ok(Writer::open(env_, *packed_database_, packed_zones_,
                                      {.journal_rows_max = 0, .moved = [this](const auto& names) {
                                         moved_.insert(moved_.end(), names.begin(), names.end());
                                       }}));
  }

  dsl::Result<Outcome> replace(const std::vector<std::string>& lines, bool force = true) {
    return replace(author_, import_of(lines), force);
  }
  dsl::Result<Outcome> replace(const Author& author, Writer::Import import, bool force = true) {
    import.create = true;
    import.force = force;
    return packed_->import(author, std::move(import));
  }

  static std::vector<store::RecordRow> rows(dsl::db::Database& database, const Name& origin) {
    return require_ok(
        database.read([&](dsl::db::Transaction& tx) -> dsl::Result<std::vector<store::RecordRow>> {
          std::vector<store::RecordRow> out;
          MC_ASSIGN(const auto zone, store::find_zone(tx, origin));
          if (zone) {
            MC_TRY(store::each_record(tx, *zone,
                                      [&](store::RecordRow& row, BytesView) -> dsl::Result<void> {
                                        out.push_back(row);
                                        return {};
                                      }));
          }
          return out;
        }));
  }
  // All of the rows but their numbers.
  static std::vector<std::string> stored_lines(dsl::db::Database& database, const Name& origin) {
    std::vector<std::string> out;
    for (const store::RecordRow& row : rows(database, origin)) {
      out.push_back(dsl::text("{} {} {} {} {} {} {}", row.name.text_below(origin), row.ttl,
                              text(row.type), rdata_text(row.type, row.rdata), row.owner,
                              row.created_at.time_since_epoch().count(),
                              row.updated_at.time_since_epoch().count()));
    }
    return out;
  }
  static std::map<std::string, std::int64_t> numbers(dsl::db::Database& database,
                                                     const Name& origin) {
    std::map<std::string, std::int64_t> out;
    for (const store::RecordRow& row : rows(database, origin)) {
      out[dsl::text("{} {} {}", row.name.lower(), text(row.type), row.canonical)] = row.id;
    }
    return out;
  }
  std::vector<std::string> packed_content() { return writer::content(packed_zones_, origin_); }
  std::vector<std::string> packed_rebuilt() {
    zone::Store store;
    require_ok(packed_database_->read([&](dsl::db::Transaction& tx) -> dsl::Result<void> {
      MC_ASSIGN(const auto zones, store::all_zones(tx));
      return load(tx, zones, store, [](const store::ZoneRow&) {});
    }));
    return writer::content(store, origin_);
  }

  // Of a file as large as `count` names.
  static std::vector<std::string> hosts(int count, int version = 0) {
    std::vector<std::string> lines = {kSoa, "@ 3600 NS ns1"};
    for (int i = 0; i < count; ++i) {
      lines.push_back(dsl::text("host{} 3600 A 192.0.{}.{}", i, version, i % 250));
    }
    return lines;
  }

  std::vector<Name> moved_;  // told of the packed database
  zone::Store packed_zones_;
  std::unique_ptr<dsl::db::Database> packed_database_;
  std::unique_ptr<Writer> packed_;
};

std::string any_line() {
  const std::string owner = *rc::gen::element<std::string>(
      "@", "a", "A", "b", "x.a", "Y.x.a", "y.X.A", "*", "*.b", "long.deep.name.below", "c", "cc");
  const std::string ttl = *rc::gen::element<std::string>("", "60 ");
  const std::string rest = *rc::gen::element<std::string>(
      "A 192.0.2.1", "A 192.0.2.2", "A 192.0.2.3", "AAAA 2001:db8::1", "TXT x", "TXT y", "TXT z",
      "SRV 1 2 3 a", "SRV 1 2 3 A", "PTR Host.test.", "PTR host.test.", "CNAME a", "ALIAS b.test.",
      "NS ns1", "NS NS1", "MX 10 a", "MX 10 c", "MX 20 B", "TYPE65280 \\# 2 0102");
  return dsl::text("{} {}{}", owner, ttl, rest);
}

RC_GTEST_FIXTURE_PROP(ReplacementTest, IsWhatDraftsOfNamesWouldMake, ()) {
  const int steps = *rc::gen::inRange(1, 12);
  for (int i = 0; i < steps; ++i) {
    std::vector<std::string> lines = {kSoa};
    if (*rc::gen::inRange(0, 10) > 0) {
      lines.emplace_back("@ NS ns1");
    }
    const int count = *rc::gen::inRange(0, 14);
    for (int j = 0; j < count; ++j) {
      lines.push_back(any_line());
    }
    if (*rc::gen::inRange(0, 20) == 0) {
      lines.emplace_back("d DNAME other.test.");
    }
    Writer::Import import = import_of(lines);
    import.create = true;
    import.force = true;
    import.dry_run = *rc::gen::inRange(0, 10) == 0;
    const Author& author = *rc::gen::inRange(0, 5) == 0 ? mcq_ : author_;
    env_.manual_clock().advance(std::chrono::seconds(1));
    const auto numbers_before = numbers(*packed_database_, origin_);

    const auto plain = writer_->import(author, import);
    const auto packed = packed_->import(author, import);

    RC_ASSERT(plain.has_value() == packed.has_value());
    if (!plain) {
      RC_ASSERT(plain.error().code() == packed.error().code());
      // Of several records of others any is named.
      RC_ASSERT(plain.error().code() == Code::kPermissionDenied ||
                plain.error().render() == packed.error().render());
    } else {
      RC_ASSERT(plain->serial == packed->serial);
      RC_ASSERT(plain->changed == packed->changed);
      RC_ASSERT(plain->added == packed->added);
      RC_ASSERT(plain->removed == packed->removed);
      RC_ASSERT(plain->warnings == packed->warnings);
    }
    RC_ASSERT(content() == packed_content());
    RC_ASSERT(packed_content() == packed_rebuilt());
    RC_ASSERT(stored_lines(*database_, origin_) == stored_lines(*packed_database_, origin_));
    for (const auto& [record, id] : numbers(*packed_database_, origin_)) {
      const auto before = numbers_before.find(record);
      const bool same = before == numbers_before.end() || before->second == id;
      RC_ASSERT(same);  // it evaluates both sides of an ||
    }
  }
}

// More rows than one statement takes, one range that all go, and some that stay in between.
TEST_F(ReplacementTest, OfManyRecordsLeavesThoseBetweenAlone) {
  require_ok(replace(hosts(300)));
  const auto before = numbers(*packed_database_, origin_);
  std::vector<std::string> lines = hosts(300, 1);
  lines[2 + 100] = "host100 3600 A 192.0.0.100";
  lines.emplace_back("host150 3600 TXT x");
  lines.erase(lines.begin() + 2 + 200);

  const Outcome done = require_ok(replace(lines));

  EXPECT_EQ(done.added, 299u);
  EXPECT_EQ(done.removed, 299u);
  EXPECT_EQ(packed_content().size(), 301u);
  EXPECT_EQ(packed_content(), packed_rebuilt());
  const auto after = numbers(*packed_database_, origin_);
  std::size_t same = 0;
  for (const auto& [record, id] : after) {
    same += before.contains(record) ? 1U : 0U;
  }
  EXPECT_EQ(same, 2u) << "the NS, and that of host100";
}

// Delegations may be others: what was fetched below them is not to be answered any more.
TEST_F(ReplacementTest, TellsThatNamesBelowMayBeAnsweredOtherwise) {
  require_ok(replace(hosts(3)));
  moved_.clear();

  require_ok(replace(hosts(3, 1)));

  EXPECT_EQ(moved_, std::vector<Name>{origin_});
}

TEST_F(ReplacementTest, IsHeldByTheGuard) {
  require_ok(replace(hosts(99)));
  EXPECT_THAT(replace(hosts(39), false),
              failed_saying(Code::kFailedPrecondition,
                            "guard: this would remove 60 of the 100 names of example.test."));
  EXPECT_EQ(packed_content().size(), 100u);
  EXPECT_THAT(replace(hosts(39), true), ok());
  EXPECT_EQ(packed_content(), packed_rebuilt());
}

TEST_F(ReplacementTest, DoesNotTouchRecordsOfOthers) {
  require_ok(replace(hosts(3)));
  EXPECT_THAT(replace(mcq_, import_of(hosts(3, 1))),
              failed_saying(Code::kPermissionDenied, "belongs to admin"));
  EXPECT_THAT(replace(mcq_, import_of({kSoa, "@ 60 NS ns1"})), failed_with(Code::kPermissionDenied))
      << "another TTL";
  EXPECT_EQ(packed_content().size(), 4u);
}

TEST_F(ReplacementTest, DryRunTellsHowMuchAndChangesNothing) {
  require_ok(replace(hosts(3)));
  Writer::Import next = import_of(hosts(5, 1));
  next.dry_run = true;

  const Outcome told = require_ok(replace(author_, next));

  EXPECT_EQ(told.added, 5u);
  EXPECT_EQ(told.removed, 3u);
  EXPECT_EQ(packed_content().size(), 4u);
  EXPECT_EQ(packed_content(), packed_rebuilt());
}

TEST_F(ReplacementTest, WhatIsWrittenTogetherWithItAndFailsTakesItBack) {
  require_ok(replace(hosts(3)));
  Author author = author_;
  author.together = [](dsl::db::Transaction&, const Outcome&) -> dsl::Result<void> {
    return dsl::fail(Code::kInternal, "no");
  };

  EXPECT_THAT(replace(author, import_of(hosts(200, 1))), failed_with(Code::kInternal));

  EXPECT_EQ(packed_content().size(), 4u);
  EXPECT_EQ(packed_content(), packed_rebuilt());
  EXPECT_THAT(replace(hosts(200, 1)), ok());
  EXPECT_EQ(packed_content(), packed_rebuilt());
}

}  // namespace
}  // namespace mcns::writer
