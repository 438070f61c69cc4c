// Zones, records and changes as rows of a real database.
#include <gmock/gmock.h>

#include "mcns/rdata/rdata.h"
#include "mcns/store/change_table.h"
#include "mcns/store/cookie_table.h"
#include "mcns/store/record_loader.h"
#include "mcns/store/record_table.h"
#include "mcns/store/schema.h"
#include "mcns/store/seed_table.h"
#include "mcns/store/sort_key.h"
#include "mcns/store/zone_table.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcns::store {
namespace {

using dsl::Code;
using dsl::Result;
using dsl::db::Transaction;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Name name(std::string_view text) { return require_ok(Name::parse(text)); }

class TablesTest : public ::testing::Test {
 protected:
  TablesTest() : dir_(dsl::test::TempDir::Where::kMemory), env_(1) {
    env_.use_real_files();
    open();
    zone_ = {.id = 7,
             .origin = name("Example.test."),
             .soa = {.primary_ns = name("ns1.example.test."),
                     .admin_email = name("host\\.master.example.test."),
                     .serial = 4000000000},
             .serial_policy = SerialPolicy::kUnixtime,
             .auto_ptr = true,
             .journal_rows = 3,
             .created_at = env_.clock().now(),
             .updated_at = env_.clock().now()};
    write([&](Transaction& tx) { return insert_zone(tx, zone_, 10); });
  }

  void open() {
    database_.reset();
    database_ = require_ok(
        dsl::db::Database::open(env_, dir_.file("mcns.db"), {.migrations = migrations()}));
  }
  template <class Fn>
  void write(const Fn& fn) {
    require_ok(database_->write(fn));
  }
  template <class Fn>
  auto read(const Fn& fn) {
    return require_ok(database_->read(fn));
  }

  RecordRow record(std::int64_t id, std::string_view owner, Type type, std::string_view value,
                   std::string_view account = "admin") {
    const Bytes rdata = require_ok(rdata_from_text(type, value, zone_.origin));
    return {.id = id,
            .zone_id = zone_.id,
            .name = require_ok(Name::parse(owner, &zone_.origin)),
            .type = type,
            .ttl = 60,
            .rdata = rdata,
            .canonical = canonical_rdata(type, rdata),
            .owner = std::string(account),
            .created_at = env_.clock().now(),
            .updated_at = env_.clock().now()};
  }
  void insert(const std::vector<RecordRow>& records) {
    write([&](Transaction& tx) -> Result<void> {
      RecordWriter writer(tx, zone_);
      for (const RecordRow& record : records) {
        MC_TRY(writer.insert(record, sort_key(record.name, zone_.origin)));
      }
      return {};
    });
  }
  std::vector<std::int64_t> listed(const RecordFilter& filter, std::size_t limit) {
    std::vector<std::int64_t> ids;
    std::string cursor;
    do {
      const RecordPage page =
          read([&](Transaction& tx) { return list_records(tx, zone_, filter, cursor, limit); });
      EXPECT_LE(page.records.size(), limit);
      for (const RecordRow& record : page.records) {
        ids.push_back(record.id);
      }
      cursor = page.next;
    } while (!cursor.empty());
    return ids;
  }

  const dsl::test::TempDir dir_;
  dsl::test::TestEnv env_;
  std::unique_ptr<dsl::db::Database> database_;
  ZoneRow zone_;
};

TEST_F(TablesTest, MigratingTwiceChangesNothing) {
  open();
  EXPECT_THAT(read([](Transaction& tx) { return all_zones(tx); }).size(), 1u);
}

TEST_F(TablesTest, ZoneComesBackAsItWasWritten) {
  const auto found = read([](Transaction& tx) { return find_zone(tx, name("EXAMPLE.TEST.")); });
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->origin.text(), "Example.test.");
  EXPECT_EQ(found->soa, zone_.soa);
  EXPECT_EQ(found->soa.admin_email.text(), "host\\.master.example.test.");
  EXPECT_EQ(found->serial_policy, SerialPolicy::kUnixtime);
  EXPECT_TRUE(found->auto_ptr);
  EXPECT_EQ(found->journal_rows, 3u);
  EXPECT_EQ(found->created_at, zone_.created_at);
}

TEST_F(TablesTest, ZoneThatDiffersInCaseOnlyIsTheSame) {
  ZoneRow other = zone_;
  other.id = 8;
  other.origin = name("exAMPLE.test.");
  EXPECT_THAT(database_->write([&](Transaction& tx) { return insert_zone(tx, other, 11); }),
              failed_with(Code::kConflict));
}

TEST_F(TablesTest, ErasedZoneLeavesItsSerialAndItsNumbers) {
  insert({record(1, "www", Type::kA, "192.0.2.1")});
  write([&](Transaction& tx) { return erase_zone(tx, zone_, 20); });

  EXPECT_THAT(read([](Transaction& tx) { return all_zones(tx); }), IsEmpty());
  EXPECT_EQ(read([](Transaction& tx) { return past_serial(tx, name("example.test.")); }),
            4000000000u);
  EXPECT_EQ(read([](Transaction& tx) { return last_id(tx); }), 20);
  EXPECT_EQ(read([&](Transaction& tx) { return record_by_id(tx, zone_, 1); }), std::nullopt);
}

TEST_F(TablesTest, RecordComesBackAsItWasWritten) {
  RecordRow written = record(1, "Mail", Type::kMx, "10 MX.Example.test.");
  written.lease_expires_at = env_.clock().now() + std::chrono::seconds(60);
  insert({written});

  const RecordRow found = *read([&](Transaction& tx) { return record_by_id(tx, zone_, 1); });

  EXPECT_EQ(found.name.text(), "Mail.Example.test.");
  EXPECT_EQ(found.rdata, written.rdata);
  EXPECT_EQ(found.canonical, written.canonical);
  EXPECT_NE(found.canonical, found.rdata);
  EXPECT_EQ(found.lease_expires_at, written.lease_expires_at);
  EXPECT_EQ(found.owner, "admin");
  EXPECT_EQ(found.ttl, 60u);
}

TEST_F(TablesTest, ShellShowsWhatAZoneHolds) {
  insert({record(1, "www", Type::kA, "192.0.2.1"),
          record(2, "x", static_cast<Type>(65280), "\\# 2 0102")});
  std::vector<std::string> lines;
  read([&](Transaction& tx) {
    return tx.query(
        "SELECT name, ttl, type, value FROM records", [&](dsl::db::Row& row) -> Result<void> {
          lines.push_back(
              dsl::text("{} {} {} {}", row.text(0), row.text(1), row.text(2), row.text(3)));
          return {};
        });
  });
  EXPECT_THAT(lines, ElementsAre("www 60 A 192.0.2.1", "x 60 TYPE65280 \\# 2 0102"));
}

TEST_F(TablesTest, SameValueTwiceIsRefusedByTheTableItself) {
  insert({record(1, "www", Type::kMx, "10 a.test.")});
  EXPECT_THAT(database_->write([&](Transaction& tx) -> Result<void> {
    RecordWriter writer(tx, zone_);
    const RecordRow again = record(2, "WWW", Type::kMx, "10 A.TEST.");
    return writer.insert(again, sort_key(again.name, zone_.origin));
  }),
              failed_with(Code::kConflict));
}

TEST_F(TablesTest, PagesHoldEveryRecordOnceInCanonicalOrder) {
  insert({record(1, "b", Type::kA, "192.0.2.1"), record(2, "@", Type::kNs, "ns1"),
          record(3, "x.a", Type::kA, "192.0.2.1"), record(4, "a", Type::kTxt, "x"),
          record(5, "a", Type::kA, "192.0.2.2", "mcq"), record(6, "a", Type::kA, "192.0.2.1"),
          record(7, "*", Type::kA, "192.0.2.1")});
  for (std::size_t limit = 1; limit < 9; ++limit) {
    EXPECT_THAT(listed({}, limit), ElementsAre(2, 7, 6, 5, 4, 3, 1)) << limit;
  }
  EXPECT_THAT(listed({.name = name("A.example.test.")}, 2), ElementsAre(6, 5, 4));
  EXPECT_THAT(listed({.type = Type::kA}, 2), ElementsAre(7, 6, 5, 3, 1));
  EXPECT_THAT(listed({.owner = "mcq"}, 2), ElementsAre(5));
  EXPECT_THAT(listed({.name = name("a.example.test."), .type = Type::kTxt}, 1), ElementsAre(4));
  EXPECT_THAT(listed({.name = name("a.other.test.")}, 1), IsEmpty());
}

TEST_F(TablesTest, CursorThatIsNoneIsRefused) {
  for (const char* cursor : {"x", "0.A", "zz.A.00", "6.A.00", ".."}) {
    const auto page =
        database_->read([&](Transaction& tx) { return list_records(tx, zone_, {}, cursor, 1); });
    EXPECT_TRUE(page || page.error().code() == Code::kInvalidArgument) << cursor;
  }
  EXPECT_THAT(database_->read([&](Transaction& tx) { return list_records(tx, zone_, {}, "x", 1); }),
              failed_saying(Code::kInvalidArgument, "not the cursor"));
}

TEST_F(TablesTest, NamesBelowAreThoseStrictlyBelow) {
  insert({record(1, "a", Type::kA, "192.0.2.1"), record(2, "x.a", Type::kA, "192.0.2.1"),
          record(3, "x.a", Type::kTxt, "x"), record(4, "y.x.a", Type::kA, "192.0.2.1"),
          record(5, "ab", Type::kA, "192.0.2.1"), record(6, "a-b", Type::kA, "192.0.2.1"),
          record(7, "\\255", Type::kA, "192.0.2.1")});
  const auto below = [&](std::string_view above) {
    std::vector<std::string> found;
    read([&](Transaction& tx) {
      return each_name_below(
          tx, zone_, sort_key(require_ok(Name::parse(above, &zone_.origin)), zone_.origin),
          [&](const Bytes& key) {
            found.push_back(name_of(key, zone_.origin)->text_below(zone_.origin));
            return true;
          });
    });
    return found;
  };
  EXPECT_THAT(below("a"), ElementsAre("x.a", "y.x.a"));
  EXPECT_THAT(below("x.a"), ElementsAre("y.x.a"));
  EXPECT_THAT(below("b"), IsEmpty());
  EXPECT_EQ(below("@").size(), 6u);
  EXPECT_EQ(read([&](Transaction& tx) { return count_names(tx, zone_); }), 6u);
}

TEST_F(TablesTest, LeasesThatEndedComeFirstEndedFirst) {
  RecordRow early = record(1, "a", Type::kA, "192.0.2.1");
  RecordRow late = record(2, "b", Type::kA, "192.0.2.1");
  early.lease_expires_at = env_.clock().now() + std::chrono::seconds(5);
  late.lease_expires_at = env_.clock().now() + std::chrono::seconds(9);
  insert({late, early, record(3, "c", Type::kA, "192.0.2.1")});
  const auto expired = [&](int seconds) {
    std::vector<std::int64_t> ids;
    for (const ExpiredLease& lease : read([&](Transaction& tx) {
           return expired_leases(tx, env_.clock().now() + std::chrono::seconds(seconds), 10);
         })) {
      ids.push_back(lease.record_id);
    }
    return ids;
  };
  EXPECT_THAT(expired(4), IsEmpty());
  EXPECT_THAT(expired(5), ElementsAre(1));
  EXPECT_THAT(expired(9), ElementsAre(1, 2));
  EXPECT_EQ(read([](Transaction& tx) { return next_lease(tx); }), early.lease_expires_at);
}

TEST_F(TablesTest, DamagedRowIsNamed) {
  insert({record(1, "www", Type::kA, "192.0.2.1")});
  write([](Transaction& tx) { return tx.run("UPDATE records SET type = 'NOTYPE'"); });
  EXPECT_THAT(database_->read([&](Transaction& tx) { return record_by_id(tx, zone_, 1); }),
              failed_saying(Code::kDataLoss, "the record www NOTYPE of zone Example.test."));
  write([](Transaction& tx) { return tx.run("UPDATE zones SET primary_ns = 'a..b'"); });
  EXPECT_THAT(database_->read([](Transaction& tx) { return all_zones(tx); }),
              failed_saying(Code::kDataLoss, "zone Example.test."));
}

class ChangesTest : public TablesTest {
 protected:
  // Serials 1 to 4 with that many changes each.
  ChangesTest() {
    write([&](Transaction& tx) -> Result<void> {
      ChangeWriter writer(tx, zone_);
      std::int64_t id = 0;
      for (std::uint32_t serial = 1; serial <= 4; ++serial) {
        for (std::uint32_t i = 0; i < serial; ++i) {
          MC_TRY(writer.insert({.id = ++id,
                                .serial_from = serial - 1,
                                .serial_to = serial,
                                .added = i % 2 == 1,
                                .name = name("www.example.test."),
                                .ttl = 60,
                                .rdata = Bytes(4, static_cast<char>(i)),
                                .owner = "mcq",
                                .actor = "admin",
                                .source = "api",
                                .at = env_.clock().now()}));
        }
      }
      return {};
    });
    zone_.soa.serial = 4;
  }

  static std::vector<std::int64_t> ids(const std::vector<ChangeRow>& changes) {
    std::vector<std::int64_t> out;
    for (const ChangeRow& change : changes) {
      out.push_back(change.id);
    }
    return out;
  }
  Result<std::vector<ChangeRow>> since(std::uint32_t serial) {
    return database_->read([&](Transaction& tx) { return changes_since(tx, zone_, serial); });
  }
};

TEST_F(ChangesTest, SinceASerialAreThoseBehindIt) {
  EXPECT_THAT(ids(require_ok(since(3))), ElementsAre(7, 8, 9, 10));
  EXPECT_THAT(ids(require_ok(since(1))), ElementsAre(2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(ids(require_ok(since(4))), IsEmpty());
  EXPECT_THAT(since(5), failed_with(Code::kNotFound));
  EXPECT_THAT(since(0), failed_with(Code::kNotFound)) << "before the zone was";
}

TEST_F(ChangesTest, ListIsNewestFirst) {
  const auto list = [&](std::int64_t before) {
    return ids(read([&](Transaction& tx) { return list_changes(tx, zone_, before, 3); }));
  };
  EXPECT_THAT(list(0), ElementsAre(10, 9, 8));
  EXPECT_THAT(list(8), ElementsAre(7, 6, 5));
  EXPECT_THAT(list(1), IsEmpty());
}

TEST_F(ChangesTest, TrimmingTakesWholeSerials) {
  const auto trimmed = [&](std::uint64_t count) {
    std::uint64_t taken = 0;
    write([&](Transaction& tx) -> Result<void> {
      MC_ASSIGN(taken, trim_changes(tx, zone_, count));
      return {};
    });
    return taken;
  };
  EXPECT_EQ(trimmed(0), 0u);
  EXPECT_EQ(trimmed(2), 3u) << "serials 1 and 2";
  EXPECT_THAT(since(1), failed_with(Code::kNotFound));
  EXPECT_EQ(require_ok(since(2)).size(), 7u);
  EXPECT_EQ(trimmed(7), 7u);
  write([&](Transaction& tx) { return clear_changes(tx, zone_); });
  EXPECT_THAT(since(3), failed_with(Code::kNotFound));
}

TEST_F(TablesTest, OfTheSecretsOfCookiesTheLastTwoAreKept) {
  EXPECT_TRUE(read([](Transaction& tx) { return cookie_secrets(tx); }).empty());

  for (const char octet : {'a', 'b', 'c'}) {
    write([&](Transaction& tx) {
      return add_cookie_secret(tx, {dsl::Secret::from(std::string(16, octet)), env_.clock().now()});
    });
  }

  const auto secrets = read([](Transaction& tx) { return cookie_secrets(tx); });
  ASSERT_EQ(secrets.size(), 2u);
  EXPECT_TRUE(secrets[0].secret.equals(std::string(16, 'c')));
  EXPECT_TRUE(secrets[1].secret.equals(std::string(16, 'b')));
  EXPECT_EQ(secrets[0].created_at, env_.clock().now());
}

TEST_F(TablesTest, SeedsAreRememberedOnce) {
  write([&](Transaction& tx) -> Result<void> {
    SeedLog log(tx);
    MC_TRY(log.add("h1", "zone a.", env_.clock().now()));
    return log.add("h1", "zone b.", env_.clock().now());
  });
  read([](Transaction& tx) -> Result<void> {
    SeedLog log(tx);
    EXPECT_TRUE(require_ok(log.contains("h1")));
    EXPECT_FALSE(require_ok(log.contains("h2")));
    return {};
  });
}

// More than two statements take, and some that are left.
TEST_F(TablesTest, LoadedRecordsAreAsThoseInsertedOneByOne) {
  std::vector<RecordRow> records;
  std::vector<Bytes> keys;
  for (int i = 0; i < 150; ++i) {
    records.push_back(i % 3 == 0 ? record(i + 1, dsl::text("h{}", 100 + i), Type::kMx, "10 Mail")
                                 : record(i + 1, dsl::text("h{}", 100 + i), Type::kA, "192.0.2.1"));
    keys.push_back(sort_key(records.back().name, zone_.origin));
  }

  write([&](Transaction& tx) -> Result<void> {
    RecordLoader loader(tx, zone_, "admin", env_.clock().now());
    for (std::size_t i = 0; i < records.size(); ++i) {
      const RecordRow& row = records[i];
      MC_TRY(loader.add({.id = row.id,
                         .key = keys[i],
                         .type = row.type,
                         .ttl = row.ttl,
                         .rdata = row.rdata,
                         .canonical = row.canonical},
                        row.name));
    }
    return loader.finish();
  });

  std::size_t next = 0;
  read([&](Transaction& tx) {
    return each_record(tx, zone_, [&](RecordRow& row, BytesView key) -> Result<void> {
      const RecordRow& wanted = records[next];
      EXPECT_EQ(key, keys[next++]);
      EXPECT_EQ(row.id, wanted.id);
      EXPECT_EQ(row.name.text(), wanted.name.text());
      EXPECT_EQ(row.type, wanted.type);
      EXPECT_EQ(row.ttl, wanted.ttl);
      EXPECT_EQ(row.rdata, wanted.rdata);
      EXPECT_EQ(row.canonical, wanted.canonical);
      EXPECT_EQ(row.owner, "admin");
      EXPECT_EQ(row.lease_expires_at, std::nullopt);
      EXPECT_EQ(row.created_at, wanted.created_at);
      EXPECT_EQ(row.updated_at, wanted.updated_at);
      return Result<void>();
    });
  });
  EXPECT_EQ(next, records.size());
  EXPECT_EQ(read([&](Transaction& tx) { return count_records(tx, zone_); }), records.size());
}

TEST_F(TablesTest, ComparedRecordsAreThoseThatAreThere) {
  const std::vector<RecordRow> records = {record(1, "a", Type::kTxt, "x", "mcq"),
                                          record(2, "B", Type::kMx, "10 Mail")};
  insert(records);
  write([&](Transaction& tx) {
    RecordWriter writer(tx, zone_);
    return writer.update_ttl(sort_key(records[0].name, zone_.origin), Type::kTxt,
                             records[0].canonical, 77, env_.clock().now());
  });

  std::vector<std::string> seen;
  read([&](Transaction& tx) {
    return each_compared(tx, zone_, [&](const ComparedRecord& row) -> Result<void> {
      const RecordRow& wanted = records[seen.size()];
      EXPECT_EQ(row.key, sort_key(wanted.name, zone_.origin));
      EXPECT_EQ(row.rdata, wanted.rdata);
      EXPECT_EQ(row.canonical, wanted.canonical);
      seen.push_back(dsl::text("{} {} {} {}", row.name, row.ttl, text(row.type), row.owner));
      return {};
    });
  });
  EXPECT_THAT(seen, ElementsAre("a 77 TXT mcq", "B 60 MX admin"));
}

}  // namespace
}  // namespace mcns::store
