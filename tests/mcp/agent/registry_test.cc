#include "mcp/agent/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/sample.h"
#include "mcp/agent/schema.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcp::agent {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using test::sample;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    env_.use_real_files();
    registry_ = require_ok(Registry::open(env_, folder_.file("mcp.db")));
  }

  void reopen() {
    registry_.reset();
    registry_ = require_ok(Registry::open(env_, folder_.file("mcp.db")));
  }
  std::vector<std::string> ports() {
    std::vector<std::string> lines;
    for (const PortRecord& port : require_ok(registry_->ports())) {
      lines.push_back(dsl::text("{}:{}/{} {} {}", port.host_ip, port.port, port.protocol,
                                port.owner, port.fixed ? "fixed" : port.route));
    }
    return lines;
  }

  dsl::test::TempDir folder_;
  dsl::test::TestEnv env_{1};
  std::unique_ptr<Registry> registry_;
};

void expect_equal(const ServiceRecord& have, const ServiceRecord& want) {
  EXPECT_EQ(have.service, want.service);
  EXPECT_EQ(have.definition_toml, want.definition_toml);
  EXPECT_EQ(have.sha256, want.sha256);
  EXPECT_EQ(have.generation, want.generation);
  EXPECT_EQ(have.ports, want.ports);
  ASSERT_EQ(have.components.size(), want.components.size());
  for (std::size_t i = 0; i < want.components.size(); ++i) {
    SCOPED_TRACE(want.components[i].name);
    EXPECT_EQ(have.components[i].service, want.components[i].service);
    EXPECT_EQ(have.components[i].name, want.components[i].name);
    EXPECT_EQ(have.components[i].container, want.components[i].container);
    EXPECT_EQ(have.components[i].sha256, want.components[i].sha256);
    EXPECT_EQ(have.components[i].image, want.components[i].image);
    EXPECT_EQ(have.components[i].image_digest, want.components[i].image_digest);
    EXPECT_EQ(have.components[i].should_run, want.components[i].should_run);
    EXPECT_EQ(have.components[i].adopted, want.components[i].adopted);
    EXPECT_EQ(have.components[i].container_id, want.components[i].container_id);
  }
}

TEST_F(RegistryTest, ADamagedFileIsRefusedAndStaysAsItIs) {
  const std::string damaged =
      "this is no database, whatever its name says" + std::string(5000, 'x');
  folder_.write("other.db", damaged);

  EXPECT_THAT(Registry::open(env_, folder_.file("other.db")), failed_with(Code::kDataLoss));
  EXPECT_EQ(folder_.read("other.db"), damaged);
}

TEST_F(RegistryTest, ARegistryOfANewerAgentIsRefused) {
  registry_.reset();
  std::vector<dsl::db::Migration> later = registry_migrations();
  later.push_back(
      {static_cast<int>(later.size()) + 1, "later", "CREATE TABLE later(id INTEGER) STRICT;"});
  require_ok(dsl::db::Database::open(env_, folder_.file("mcp.db"), {.migrations = later}));

  EXPECT_THAT(Registry::open(env_, folder_.file("mcp.db")), failed_with(Code::kFailedPrecondition));
}

TEST_F(RegistryTest, AGenerationThatIsNotTheNextOneIsRefused) {
  EXPECT_THAT(registry_->put_service(sample("mcq", 2, 8443), "ann"),
              failed_saying(Code::kConflict, "at generation 0, not 1"));
  require_ok(registry_->put_service(sample("mcq", 1, 8443), "ann"));

  EXPECT_THAT(registry_->put_service(sample("mcq", 1, 8443), "ann"),
              failed_saying(Code::kConflict, "at generation 1, not 0"));
  EXPECT_THAT(registry_->put_service(sample("mcq", 3, 8443), "ann"), failed_with(Code::kConflict));
  EXPECT_EQ(require_ok(registry_->service("mcq"))->generation, 1);
}

TEST_F(RegistryTest, AServiceIsTakenOverAtItsGenerationOnlyWhereItWasNeverKnown) {
  require_ok(registry_->take_over_service(sample("mcq", 7, 8443), "rebuild"));

  EXPECT_THAT(registry_->take_over_service(sample("mcq", 8, 8443), "rebuild"),
              failed_saying(Code::kConflict, "knows service mcq, at generation 7"));
  require_ok(registry_->put_service(sample("mcq", 8, 8443), "ann"));
  require_ok(registry_->remove_service("mcq"));
  EXPECT_THAT(registry_->take_over_service(sample("mcq", 1, 8443), "rebuild"),
              failed_with(Code::kConflict))
      << "undeployed, but not unknown";
  EXPECT_THAT(require_ok(registry_->names_in_history()), ElementsAre("mcq"));
  EXPECT_EQ(require_ok(registry_->history("mcq")).back().actor, "rebuild");
}

TEST_F(RegistryTest, APortOfAnotherServiceIsRefusedAndNothingOfTheServiceStays) {
  require_ok(registry_->put_service(sample("mcq", 1, 8443), "ann"));

  EXPECT_THAT(registry_->put_service(sample("other", 1, 8443), "ann"),
              failed_saying(Code::kConflict, "port 127.0.0.1:8443/tcp belongs to another service"));
  EXPECT_THAT(registry_->put_service(sample("other", 1, 8444), "ann"),
              failed_saying(Code::kConflict, "mcp ports shows the owner"))
      << "the port that was allocated to mcq";
  EXPECT_EQ(require_ok(registry_->service("other")), std::nullopt);
  EXPECT_THAT(require_ok(registry_->history("other")), IsEmpty());
}

TEST_F(RegistryTest, AContainerNameOfAnotherServiceIsRefused) {
  require_ok(registry_->put_service(sample("mcq", 1, 8443), "ann"));
  ServiceRecord other = sample("other", 1, 9443);
  other.components[0].container = "mcq-worker";

  EXPECT_THAT(registry_->put_service(other, "ann"), failed_with(Code::kConflict));
}

TEST_F(RegistryTest, ARefusedGenerationLeavesTheFormerOneWhole) {
  require_ok(registry_->put_service(sample("mcq", 1, 8443), "ann"));
  require_ok(registry_->put_service(sample("other", 1, 9443), "ann"));
  const auto before = ports();

  EXPECT_THAT(registry_->put_service(sample("mcq", 2, 9443), "ann"), failed_with(Code::kConflict));
  expect_equal(*require_ok(registry_->service("mcq")), sample("mcq", 1, 8443));
  EXPECT_EQ(ports(), before);
}

TEST_F(RegistryTest, AnUnknownServiceIsNothing) {
  EXPECT_EQ(require_ok(registry_->service("mcq")), std::nullopt);
  EXPECT_THAT(require_ok(registry_->services()), IsEmpty());
  EXPECT_THAT(require_ok(registry_->history("mcq")), IsEmpty());
  EXPECT_THAT(registry_->remove_service("mcq"), ok());
}

TEST_F(RegistryTest, ANewRegistryIsUninitializedUntilSomebodySaysOtherwise) {
  EXPECT_FALSE(require_ok(registry_->initialized()));
  EXPECT_EQ(require_ok(registry_->node()), std::nullopt);
  require_ok(registry_->set_node({.name = "rift", .uid = 850, .gid = 851, .run_root = "/run/x"}));
  EXPECT_FALSE(require_ok(registry_->initialized()));

  require_ok(registry_->set_initialized());

  EXPECT_TRUE(require_ok(registry_->initialized()));
  require_ok(registry_->set_node({.name = "rift", .uid = 850, .gid = 851, .boot_id = "b2"}));
  EXPECT_TRUE(require_ok(registry_->initialized())) << "a restart of the agent changes nothing";
  EXPECT_EQ(require_ok(registry_->node())->boot_id, "b2");
  EXPECT_EQ(require_ok(registry_->node())->gid, 851U);
}

TEST_F(RegistryTest, AServiceSurvivesTheRoundTripAndAReopenWhole) {
  const ServiceRecord record = sample("mcq", 1, 8443);

  require_ok(registry_->put_service(record, "ann"));
  reopen();

  const auto read = require_ok(registry_->service("mcq"));
  ASSERT_TRUE(read.has_value());
  expect_equal(*read, record);
  EXPECT_EQ(read->updated_by, "ann");
  EXPECT_EQ(read->updated_ms, env_.clock().now().time_since_epoch().count());
  EXPECT_EQ(require_ok(registry_->services()).size(), 1U);
  EXPECT_THAT(ports(),
              ElementsAre("127.0.0.1:8443/tcp mcq/api fixed", "127.0.0.1:8444/tcp mcq/api web"));
}

TEST_F(RegistryTest, ARangeOfPortsIsReservedPortByPort) {
  ServiceRecord record = sample("mcq", 1, 8443);
  record.ports.clear();
  record.service.components[0].ports = {
      {.host_ip = "", .host = 9000, .container = 9000, .protocol = "udp", .count = 3}};

  require_ok(registry_->put_service(record, "ann"));

  EXPECT_THAT(ports(), ElementsAre(":9000/udp mcq/api fixed", ":9001/udp mcq/api fixed",
                                   ":9002/udp mcq/api fixed"));
}

TEST_F(RegistryTest, TheNextGenerationReplacesComponentsAndPortsOfTheFormer) {
  require_ok(registry_->put_service(sample("mcq", 1, 8443), "ann"));
  ServiceRecord next = sample("mcq", 2, 9443);
  next.service.components.pop_back();
  next.components.pop_back();

  require_ok(registry_->put_service(next, "bob"));

  expect_equal(*require_ok(registry_->service("mcq")), next);
  EXPECT_THAT(ports(),
              ElementsAre("127.0.0.1:9443/tcp mcq/api fixed", "127.0.0.1:9444/tcp mcq/api web"));
}

TEST_F(RegistryTest, OfTheHistoryTheLastTwentyStay) {
  for (std::int64_t generation = 1; generation <= 23; ++generation) {
    require_ok(registry_->put_service(sample("mcq", generation, 8443), "ann"));
  }

  const auto history = require_ok(registry_->history("mcq"));

  ASSERT_EQ(history.size(), 20U);
  EXPECT_EQ(history.front().generation, 23) << "newest first";
  EXPECT_EQ(history.back().generation, 4);
  EXPECT_EQ(history.front().service, sample("mcq", 23, 8443).service);
  EXPECT_EQ(history.front().definition_toml, "# definition of generation 23");
  EXPECT_EQ(history.front().image_digests.at("api"), "sha256:0a");
  EXPECT_EQ(history.front().actor, "ann");
}

TEST_F(RegistryTest, UndeployFreesThePortsKeepsTheHistoryAndTheNextDeployGoesOnCounting) {
  require_ok(registry_->put_service(sample("mcq", 1, 8443), "ann"));
  require_ok(registry_->put_service(sample("mcq", 2, 8443), "ann"));

  require_ok(registry_->remove_service("mcq"));

  EXPECT_EQ(require_ok(registry_->service("mcq")), std::nullopt);
  EXPECT_THAT(ports(), IsEmpty());
  EXPECT_EQ(require_ok(registry_->history("mcq")).size(), 2U);
  EXPECT_THAT(registry_->put_service(sample("mcq", 1, 8443), "ann"), failed_with(Code::kConflict));
  EXPECT_THAT(registry_->put_service(sample("mcq", 3, 8443), "ann"), ok());
}

TEST_F(RegistryTest, SmallChangesOfAComponentPersist) {
  require_ok(registry_->put_service(sample("mcq", 1, 8443), "ann"));

  require_ok(registry_->set_should_run("mcq", "api", false));
  require_ok(registry_->set_container("mcq", "api", "77aa", "sha256:0b"));
  require_ok(registry_->set_adopted("mcq", "worker", false));
  reopen();

  const ServiceRecord record = *require_ok(registry_->service("mcq"));
  EXPECT_FALSE(record.find("api")->should_run);
  EXPECT_EQ(record.find("api")->container_id, "77aa");
  EXPECT_EQ(record.find("api")->image_digest, "sha256:0b");
  EXPECT_FALSE(record.find("worker")->adopted);
  EXPECT_EQ(record.generation, 1);
  EXPECT_EQ(record.find("nobody"), nullptr);
}

}  // namespace
}  // namespace mcp::agent
