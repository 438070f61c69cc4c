// What a unit has lost is found, and comes back from its replica and from a point.
#include "mcp/recovery/unit_recovery.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/db/database.h"
#include "mcp/recovery/backup.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcp::recovery {
namespace {

namespace fs = std::filesystem;
using dsl::Code;
using dsl::test::failed_with;
using dsl::test::require_ok;

class UnitRecoveryTest : public ::testing::Test {
 protected:
  UnitRecoveryTest() {
    env_.use_real_files();
    env_.use_real_clock();  // the replica is sealed and shipped by threads of its own
    fs::create_directories(target());
    fs::create_directories(mirror());
    const auto recipient = require_ok(make_identity(env_, folder_.file("identity.txt"), nullptr));
    require_ok(KeyStore(env_, settings().directory).add_recipient(recipient, "test"));
    write("ledger.toml", "rate = 500\n");
    write("certs/ca.pem", "certificate\n");
    add_rows(10);
  }

  std::string target() const { return folder_.file("target"); }
  std::string root() const { return folder_.file("srv/ledger"); }
  std::string mirror() const { return folder_.file("replicas/ledger"); }
  std::string database() const { return root() + "/ledger.db"; }
  UnitPlace place() const { return {.name = "ledger", .root = root(), .mirrors = {mirror()}}; }
  Settings settings() const {
    return {.domain = "example.net",
            .node = "rift",
            .tool = "test",
            .directory = folder_.file("recovery"),
            .targets = {target()}};
  }

  void write(const std::string& name, const std::string& content) const {
    const std::string path = root() + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(root() + "/" + name).rdbuf();
    return out.str();
  }

  // By a service that replicates what it writes, and ends in good order.
  void add_rows(int count) {
    const auto db = require_ok(dsl::db::Database::open(
        env_, database(),
        {.migrations = {{1, "initial", "CREATE TABLE ledger(id INTEGER PRIMARY KEY)"}},
         .replica = {.mirrors = {{.directory = mirror()}}}}));
    for (int i = 0; i < count; ++i) {
      require_ok(db->write(
          [](dsl::db::Transaction& tx) { return tx.run("INSERT INTO ledger DEFAULT VALUES"); }));
    }
    require_ok(db->wait_until_replicated(std::chrono::seconds(30)));
  }
  int rows() {
    const auto db = require_ok(dsl::db::Database::open(
        env_, database(),
        {.migrations = {{1, "initial", "CREATE TABLE ledger(id INTEGER PRIMARY KEY)"}}}));
    int count = 0;
    require_ok(db->read([&](dsl::db::Transaction& tx) {
      return tx.query("SELECT count(*) FROM ledger", [&](dsl::db::Row& row) -> Result<void> {
        count = static_cast<int>(row.integer(0));
        return {};
      });
    }));
    return count;
  }

  ReadKeys keys() {
    ReadKeys keys;
    keys.identities = require_ok(read_identities(env_, folder_.file("identity.txt"), {}));
    if (point_) {
      keys.signers = require_ok(KeyStore(env_, settings().directory).public_keys());
    }
    return keys;
  }
  // A point of the unit as it is now.
  void make_point() {
    CreateRequest request;
    request.units.push_back({.name = "ledger", .root = root(), .version = "v1"});
    const auto backup = require_ok(Backup::open(env_, settings()));
    const Created made = require_ok(backup->create(request, [](const auto&, const auto&) {}));
    const std::string& id = made.point.id;
    source_ = PointSource{Seal::kAge, target() + "/" + archive_name(id, Seal::kAge),
                          target() + "/" + signature_name(id, Seal::kAge)};
    ReadKeys keys = this->keys();
    keys.signers = require_ok(KeyStore(env_, settings().directory).public_keys());
    point_ =
        require_ok(read_manifest(env_, Seal::kAge, target() + "/" + manifest_name(id, Seal::kAge),
                                 source_->signature, keys));
  }

  UnitLosses losses() {
    const Manifest* point = point_ ? &*point_ : nullptr;
    const auto replicas = require_ok(find_replicas(env_, place(), point));
    return require_ok(find_losses(env_, place(), point, replicas));
  }
  Result<UnitRecovery> plan() {
    const Manifest* point = point_ ? &*point_ : nullptr;
    MC_ASSIGN(const auto replicas, find_replicas(env_, place(), point));
    return plan_unit_recovery(env_, place(), losses(), point_, replicas, keys().identities,
                              [](const auto&) {});
  }
  void recover() {
    const UnitRecovery planned = require_ok(plan());
    require_ok(carry_out(env_, planned, source_ ? &*source_ : nullptr, keys(), [](const auto&) {}));
  }

  dsl::test::TestEnv env_;
  dsl::test::TempDir folder_;
  std::optional<PointSource> source_;
  std::optional<Manifest> point_;
};

TEST_F(UnitRecoveryTest, WholeUnitHasLostNothing) {
  make_point();
  EXPECT_TRUE(losses().items.empty());
  EXPECT_EQ(to_text(losses()), "nothing is missing");
}

TEST_F(UnitRecoveryTest, LossesAreToldApart) {
  make_point();
  fs::remove(root() + "/certs/ca.pem");
  EXPECT_FALSE(losses().certain()) << "it may have been removed on purpose";
  EXPECT_EQ(to_text(losses()), "1 file missing (certs/ca.pem)");
  fs::remove(database());
  EXPECT_TRUE(losses().certain());
  EXPECT_FALSE(losses().whole());
  fs::remove_all(root());
  EXPECT_TRUE(losses().whole());
  EXPECT_EQ(to_text(losses()), "its directory is gone");
  fs::create_directories(root());
  EXPECT_EQ(to_text(losses()), "its directory is empty");
}

TEST_F(UnitRecoveryTest, DamagedDatabaseIsFound) {
  {
    std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 + 8);
    file << std::string(2000, '\x5a');
  }
  const UnitLosses found = losses();
  ASSERT_EQ(found.items.size(), 1U);
  EXPECT_EQ(found.items.front().loss, Loss::kDatabaseDamaged);
  recover();
  EXPECT_EQ(rows(), 10);
}

TEST_F(UnitRecoveryTest, LostDirectoryTakesFilesFromThePointAndRowsFromTheReplica) {
  make_point();
  add_rows(5);
  fs::remove_all(root());

  const UnitRecovery planned = require_ok(plan());
  EXPECT_TRUE(planned.uses_point());
  ASSERT_EQ(planned.databases.size(), 1U);
  recover();

  EXPECT_EQ(rows(), 15) << "what was written after the point is there, too";
  EXPECT_EQ(read("ledger.toml"), "rate = 500\n");
  EXPECT_EQ(read("certs/ca.pem"), "certificate\n");
}

TEST_F(UnitRecoveryTest, PlanThatNeedsThePointDoesNothingWithoutIt) {
  make_point();
  fs::remove_all(root());
  const UnitRecovery planned = require_ok(plan());
  EXPECT_THAT(carry_out(env_, planned, nullptr, keys(), [](const auto&) {}),
              failed_with(Code::kInternal));
  EXPECT_FALSE(fs::exists(root()));
}

TEST_F(UnitRecoveryTest, WithoutAPointTheReplicaBringsTheDatabaseBack) {
  fs::remove_all(root());
  recover();
  EXPECT_EQ(rows(), 10);
  EXPECT_FALSE(fs::exists(root() + "/ledger.toml"));
}

TEST_F(UnitRecoveryTest, WhatIsStillThereStays) {
  make_point();
  write("ledger.toml", "rate = 900\n");
  fs::remove_all(root() + "/certs");
  fs::remove(database());

  recover();

  EXPECT_EQ(read("ledger.toml"), "rate = 900\n");
  EXPECT_EQ(read("certs/ca.pem"), "certificate\n");
  EXPECT_EQ(rows(), 10);
}

TEST_F(UnitRecoveryTest, ReplicaThatEndsBeforeThePointIsNotTaken) {
  const auto db = require_ok(dsl::db::Database::open(
      env_, database(),
      {.migrations = {{1, "initial", "CREATE TABLE ledger(id INTEGER PRIMARY KEY)"}}}));
  require_ok(db->write(
      [](dsl::db::Transaction& tx) { return tx.run("INSERT INTO ledger DEFAULT VALUES"); }));
  make_point();
  fs::remove_all(root());

  const UnitRecovery planned = require_ok(plan());

  EXPECT_TRUE(planned.databases.empty());
}

TEST_F(UnitRecoveryTest, MissingDatabaseThatIsNotReplicatedMayBeGoneOnPurpose) {
  make_point();
  fs::remove_all(mirror());
  fs::remove(database());
  EXPECT_FALSE(losses().certain());
  EXPECT_TRUE(losses().certain_ones().items.empty());
}

TEST_F(UnitRecoveryTest, EmptiedDatabaseIsDamaged) {
  fs::resize_file(database(), 0);
  ASSERT_TRUE(losses().certain());
  recover();
  EXPECT_EQ(rows(), 10);
}

TEST_F(UnitRecoveryTest, LinkOnTheWayLeadsNothingOut) {
  make_point();
  fs::remove_all(root() + "/certs");
  fs::create_directories(folder_.file("elsewhere"));
  fs::create_symlink(folder_.file("elsewhere"), root() + "/certs");

  const UnitRecovery planned = require_ok(plan());
  const auto done = carry_out(env_, planned, &*source_, keys(), [](const auto&) {});

  EXPECT_THAT(done, failed_with(Code::kFailedPrecondition));
  EXPECT_TRUE(fs::is_empty(folder_.file("elsewhere")));
}

TEST_F(UnitRecoveryTest, WhatCameAfterTheLookIsNotWrittenOver) {
  make_point();
  fs::remove(root() + "/ledger.toml");
  const UnitRecovery planned = require_ok(plan());
  write("ledger.toml", "rate = 1\n");

  const auto done = carry_out(env_, planned, &*source_, keys(), [](const auto&) {});

  EXPECT_THAT(done, failed_with(Code::kConflict));
  EXPECT_EQ(read("ledger.toml"), "rate = 1\n");
}

TEST_F(UnitRecoveryTest, UndoOfADamagedDatabaseBringsTheDamagedOneBack) {
  fs::resize_file(database(), 0);
  recover();
  ASSERT_EQ(rows(), 10);
  require_ok(undo_restore(env_, require_ok(last_record(env_, folder_.file("srv")))));
  EXPECT_EQ(fs::file_size(database()), 0U);
}

TEST_F(UnitRecoveryTest, WhatHasNoCopyIsSaid) {
  make_point();
  fs::remove_all(mirror());
  fs::remove_all(root());
  point_.reset();
  source_.reset();
  EXPECT_THAT(plan(), failed_with(Code::kNotFound));
}

TEST_F(UnitRecoveryTest, UndoTakesItBack) {
  make_point();
  fs::remove_all(root());
  write("by-hand", "what somebody has tried\n");
  write("ledger.db", "");  // not a database
  recover();
  const std::string record = require_ok(last_record(env_, folder_.file("srv")));
  require_ok(undo_restore(env_, record));
  EXPECT_EQ(read("by-hand"), "what somebody has tried\n");
}

}  // namespace
}  // namespace mcp::recovery
