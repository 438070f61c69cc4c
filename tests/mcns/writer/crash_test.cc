// A power cut, and an error, at every change that writes make to the disk.
#include <cerrno>
#include <set>

#include "dsl/log/log.h"
#include "mcns/writer/writer_test_base.h"
#include "support/crash_points.h"

namespace mcns::writer {
namespace {

using dsl::test::MemoryFileSystem;

constexpr const char* kPath = "/srv/mcns.db";
constexpr int kWrites = 4;

const Name kOrigin = name("example.test.");
const Author kAuthor{.account = "admin", .may_touch_others = true};

// A process on `files`.
struct Program {
  explicit Program(MemoryFileSystem& files) : env(++programs) {
    env.use_files(files);
    database =
        dsl::db::Database::open(env, kPath, {.migrations = store::migrations(), .readers = 1});
    if (database) {
      writer = Writer::open(env, **database, zones, {});
    }
  }

  // Two records at a time, of which none may be there alone.
  dsl::Result<Outcome> add(int number) {
    const Name owner = name(dsl::text("h{}.example.test.", number));
    return (*writer)->apply(kAuthor, {.zone = kOrigin,
                                      .operations = {{.name = owner, .rdata = {Bytes(4, '\1')}},
                                                     {.name = owner, .rdata = {Bytes(4, '\2')}}}});
  }
  std::vector<std::string> rebuilt() {
    zone::Store store;
    require_ok((*database)->read([&](dsl::db::Transaction& tx) -> dsl::Result<void> {
      MC_ASSIGN(const auto all, store::all_zones(tx));
      return load(tx, all, store, [](const store::ZoneRow&) {});
    }));
    return content(store, kOrigin);
  }
  std::vector<store::ChangeRow> changes() {
    return require_ok((*database)->read(
        [&](dsl::db::Transaction& tx) -> dsl::Result<std::vector<store::ChangeRow>> {
          MC_ASSIGN(const auto zone, store::find_zone(tx, kOrigin));
          return store::list_changes(tx, *zone, 0, 1000);
        }));
  }

  static inline std::uint64_t programs = 0;
  dsl::test::TestEnv env;
  zone::Store zones;
  dsl::Result<std::unique_ptr<dsl::db::Database>> database = dsl::fail(Code::kInternal, "");
  dsl::Result<std::unique_ptr<Writer>> writer = dsl::fail(Code::kInternal, "not opened");
};

class CrashTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { dsl::log::start({.level = dsl::log::Level::kError}); }
  static void TearDownTestSuite() { dsl::log::stop(); }

  // A zone of a closed program.
  static void prepare(MemoryFileSystem& files) {
    require_ok(files.make_directories("/srv", 0700));
    static const std::string database = [] {
      MemoryFileSystem first;
      require_ok(first.make_directories("/srv", 0700));
      {
        Program program(first);
        require_ok(
            (*program.writer)
                ->create_zone(kAuthor,
                              {.origin = kOrigin, .soa = {.primary_ns = name("ns1.example.test.")}},
                              {}));
      }
      return require_ok(first.read_file(kPath));
    }();
    require_ok(files.write_file(kPath, database, 0600));
  }

  void write_all(MemoryFileSystem& files) {
    acknowledged_.clear();
    Program program(files);
    if (!program.writer) {
      return;
    }
    for (int i = 0; i < kWrites; ++i) {
      if (program.add(i)) {
        EXPECT_EQ(content(program.zones, kOrigin).size(), 1 + 2 * (acknowledged_.size() + 1));
        acknowledged_.insert(i);
      }
    }
  }

  // Whole writes only, every acknowledged one, and a journal and a serial that fit them.
  void check(MemoryFileSystem& files) {
    Program program(files);
    ASSERT_THAT(program.writer, ok());
    const auto served = content(program.zones, kOrigin);
    const auto is_there = [&](int i) {
      return std::count_if(served.begin(), served.end(), [&](const std::string& line) {
        return line.starts_with(dsl::text("h{} ", i));
      });
    };
    int writes = 0;
    for (int i = 0; i < kWrites; ++i) {
      EXPECT_NE(is_there(i), 1) << i << " is there half";
      EXPECT_TRUE(is_there(i) == 2 || !acknowledged_.contains(i)) << i << " was acknowledged";
      writes += is_there(i) == 2 ? 1 : 0;
    }
    const auto changes = program.changes();
    EXPECT_EQ(changes.size(), 1u + 2u * static_cast<std::size_t>(writes));
    EXPECT_EQ(changes.front().serial_to, 2026010101u + static_cast<unsigned>(writes));
    const dsl::Result<Outcome> next = program.add(100);
    ASSERT_THAT(next, ok());
    EXPECT_EQ(next->serial, changes.front().serial_to + 1);
  }

  std::set<int> acknowledged_;
};

TEST_F(CrashTest, CutAnywhereKeepsEveryAcknowledgedWriteWithItsJournalAndSerial) {
  const int cuts =
      dsl::test::at_every_crash_point({.prepare = prepare,
                                       .work = [&](auto& files) { write_all(files); },
                                       .check = [&](auto& files, bool) { check(files); }});
  EXPECT_GT(cuts, 6 * 20);
}

TEST_F(CrashTest, ErrorAnywhereIsToldAndTheVersionStaysThatOfTheDatabase) {
  for (const int number : {EIO, ENOSPC}) {
    const int runs = dsl::test::at_every_fault(
        number, {.prepare = prepare,
                 .work =
                     [&](auto& files) {
                       acknowledged_.clear();
                       Program program(files);
                       if (!program.writer) {
                         return;
                       }
                       for (int i = 0; i < kWrites; ++i) {
                         if (program.add(i)) {
                           acknowledged_.insert(i);
                         }
                         EXPECT_EQ(content(program.zones, kOrigin), program.rebuilt());
                       }
                       EXPECT_GE(acknowledged_.size(), std::size_t{kWrites - 1})
                           << "writes after the error go on";
                     },
                 .check = [&](auto& files, bool) { check(files); }});
    EXPECT_GT(runs, 20);
  }
}

TEST_F(CrashTest, FullDiskLeavesTheVersionAndWritesWorkAgainOnceThereIsRoom) {
  MemoryFileSystem files;
  prepare(files);
  Program program(files);
  files.set_capacity(400u << 10);
  int number = 0;
  dsl::Result<Outcome> added = program.add(number);
  while (added) {
    ASSERT_LT(number, 1000);
    added = program.add(++number);
  }

  EXPECT_THAT(added, failed_with(Code::kNoSpace));
  EXPECT_EQ(content(program.zones, kOrigin).size(), 1u + 2u * static_cast<unsigned>(number));
  EXPECT_EQ(content(program.zones, kOrigin), program.rebuilt());

  files.set_capacity(1u << 30);
  EXPECT_EQ(require_ok(program.add(5000)).serial, 2026010101u + static_cast<unsigned>(number) + 1);
  EXPECT_EQ(content(program.zones, kOrigin), program.rebuilt());
}

}  // namespace
}  // namespace mcns::writer
