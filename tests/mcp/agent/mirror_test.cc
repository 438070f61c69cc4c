#include "mcp/agent/mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/sample.h"
#include "support/crash_points.h"
#include "support/test_env.h"

namespace mcp::agent {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using test::sample;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kFolder = "/srv/mcp/specs";
constexpr const char* kFile = "/srv/mcp/specs/mcq.json";

class MirrorTest : public ::testing::Test {
 protected:
  std::vector<std::string> names() { return require_ok(env_.files().list(kFolder)); }
  std::string content() { return require_ok(env_.files().read_file(kFile)); }

  dsl::test::TestEnv env_{1};
  Mirror mirror_{env_, kFolder};
};

TEST_F(MirrorTest, AFullDiskKeepsTheFormerFile) {
  require_ok(mirror_.write(sample("mcq", 1, 8443)));
  const std::string former = content();
  env_.memory_files().set_capacity(0);

  EXPECT_THAT(mirror_.write(sample("mcq", 2, 9443)), failed_with(Code::kNoSpace));
  EXPECT_EQ(content(), former);
}

TEST_F(MirrorTest, WhatIsNotThereIsRemovedAlready) { EXPECT_THAT(mirror_.remove("mcq"), ok()); }

TEST_F(MirrorTest, HoldsWhatARebuildOfTheRegistryNeeds) {
  require_ok(mirror_.write(sample("mcq", 7, 8443)));

  const std::string text = content();
  EXPECT_THAT(text, HasSubstr(R"("generation":7)"));
  EXPECT_THAT(text, HasSubstr(sample("mcq", 7, 8443).sha256));
  EXPECT_THAT(text, HasSubstr(model::canonical_json(sample("mcq", 7, 8443).service)));
  EXPECT_THAT(text, HasSubstr(R"("ports":[{"component":"api","host_port":8444,"route":"web"}])"));
  EXPECT_THAT(text, HasSubstr(R"("worker":{"adopted":true,"image_digest":"","should_run":false})"));
  EXPECT_EQ(require_ok(env_.files().stat(kFile)).mode, 0600U);
}

TEST_F(MirrorTest, ReconcileWritesWhatDiffersAndRemovesWhatWasUndeployed) {
  require_ok(mirror_.write(sample("mcq", 1, 8443)));
  require_ok(mirror_.write(sample("gone", 1, 9443)));
  require_ok(env_.files().write_file(std::string(kFolder) + "/README", "by hand"));

  const auto unknown = require_ok(
      mirror_.reconcile({sample("mcq", 2, 8443), sample("new", 1, 7443)}, {"gone", "mcq", "new"}));

  EXPECT_THAT(unknown, IsEmpty());
  EXPECT_THAT(names(), ElementsAre("README", "mcq.json", "new.json"));
  EXPECT_THAT(content(), HasSubstr(R"("generation":2)"));
}

// MCP-A4: a registry that begins anew destroys nothing of what the mirror of a lost one holds.
TEST_F(MirrorTest, ReconcileKeepsTheFilesOfServicesThatTheRegistryHasNeverHad) {
  require_ok(mirror_.write(sample("lost", 9, 9443)));
  require_ok(env_.files().write_file(std::string(kFolder) + "/torn.json", "{\"gener"));
  const std::string lost = require_ok(env_.files().read_file(std::string(kFolder) + "/lost.json"));

  const auto unknown = require_ok(mirror_.reconcile({sample("mcq", 1, 8443)}, {"mcq"}));

  EXPECT_THAT(unknown, ElementsAre("lost.json", "torn.json"));
  EXPECT_THAT(names(), ElementsAre("lost.json", "mcq.json", "torn.json"));
  EXPECT_EQ(require_ok(env_.files().read_file(std::string(kFolder) + "/lost.json")), lost);
}

TEST_F(MirrorTest, ReconcileRepairsADamagedFileAndLeavesAGoodOneUntouched) {
  require_ok(mirror_.write(sample("mcq", 1, 8443)));
  require_ok(mirror_.write(sample("other", 1, 9443)));
  const auto inode = require_ok(env_.files().stat(std::string(kFolder) + "/other.json")).inode;
  require_ok(env_.files().write_file(kFile, "{\"gener"));

  require_ok(
      mirror_.reconcile({sample("mcq", 1, 8443), sample("other", 1, 9443)}, {"mcq", "other"}));

  EXPECT_THAT(content(), HasSubstr(R"("generation":1)"));
  EXPECT_EQ(require_ok(env_.files().stat(std::string(kFolder) + "/other.json")).inode, inode);
}

TEST(MirrorCrash, APowerCutAtAnyPointLeavesTheOldOrTheNewFile) {
  const auto write = [](dsl::test::MemoryFileSystem& files, const ServiceRecord& record) {
    dsl::test::TestEnv env(1);
    env.use_files(files);
    return Mirror(env, kFolder).write(record);
  };
  const auto written = [&](const ServiceRecord& record) {
    dsl::test::MemoryFileSystem files;
    require_ok(write(files, record));
    return require_ok(files.read_file(kFile));
  };
  const std::string before = written(sample("mcq", 1, 8443));
  const std::string after = written(sample("mcq", 2, 9443));

  const int cuts = dsl::test::at_every_crash_point(
      {.prepare = [&](auto& files) { require_ok(write(files, sample("mcq", 1, 8443))); },
       .work = [&](auto& files) { (void)write(files, sample("mcq", 2, 9443)); },
       .check =
           [&](auto& files, bool finished) {
             const std::string now = require_ok(files.read_file(kFile));
             EXPECT_TRUE(now == after || (!finished && now == before)) << now;
           }});

  EXPECT_GT(cuts, 12);
}

}  // namespace
}  // namespace mcp::agent
