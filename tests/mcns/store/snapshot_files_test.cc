#include "mcns/store/snapshot_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/memory_file_system.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcns::store {
namespace {

using dsl::test::require_ok;
using testing::ElementsAre;

TEST(SnapshotFiles, TheNewestIsFoundAmongOthers) {
  dsl::test::TestEnv env;
  EXPECT_EQ(newest_snapshot(env.files(), "/backups"), "") << "no folder";
  require_ok(env.files().make_directories("/backups", 0700));
  EXPECT_EQ(newest_snapshot(env.files(), "/backups"), "");

  for (const char* name : {"mcns-20260404T084500Z.db", "mcns-20251231T235959Z.db", "zones.db",
                           "mcns-20270101T00000Z.db", "mcns-20270101T000000Z.db-wal"}) {
    require_ok(env.files().write_file(std::string("/backups/") + name, ""));
  }

  EXPECT_THAT(require_ok(snapshot_names(env.files(), "/backups")),
              ElementsAre("mcns-20251231T235959Z.db", "mcns-20260404T084500Z.db"));
  EXPECT_EQ(newest_snapshot(env.files(), "/backups"), "/backups/mcns-20260404T084500Z.db");
}

TEST(SnapshotFiles, TheNameSaysWhenItWasMade) {
  const dsl::env::WallTime at(std::chrono::milliseconds(1'775'205'900'123));

  EXPECT_EQ(snapshot_name(at), "mcns-20260403T084500Z.db");
}

}  // namespace
}  // namespace mcns::store
