// The program against a server: which requests it makes, and what becomes of the answers.
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "mcp/cli/canned_agent.h"
#include "mcp/cli/program.h"
#include "mcp/model/model.h"
#include "support/result_matchers.h"

namespace mcp::cli {

namespace pb = mcp::v1;

namespace {

using dsl::test::require_ok;
using test::CannedAgent;
using test::Ran;
using test::User;
using testing::HasSubstr;

class AgentTest : public testing::Test {
 protected:
  AgentTest() : agent_(user_.socket()) {}

  // The service as the agent resolves it by itself.
  model::Service resolved(const std::string& name, const std::string& toml) {
    model::Platform platform;
    platform.registry = agent_.node.platform().registry();
    platform.service_zone = agent_.node.platform().service_zone();
    model::Node node{.name = "rift", .addresses = {{"lan", "192.168.88.181"}}};
    return require_ok(
        model::resolve(require_ok(model::parse_definition(toml, name + ".toml")), platform, node));
  }

  User user_;
  CannedAgent agent_;
};

constexpr const char* kMcns = R"(name = "mcns"
version = "v1"
tier = "foundation"
[[components]]
ports = ["@lan:53:53/udp"]
)";
constexpr const char* kMcr = "name = \"mcr\"\nversion = \"v1\"\ndepends_on = [\"mcns\"]\n";
constexpr const char* kMcq = "name = \"mcq\"\nversion = \"v1\"\ndepends_on = [\"mcr\"]\n";

TEST_F(AgentTest, AnUnknownServiceIsNotFound) {
  EXPECT_EQ(user_.run({"status", "mcr"}).exit_code, 3);
}

TEST_F(AgentTest, AMethodThatTheAgentLacksIsAFailure) {
  const Ran ran = user_.run({"ports"});

  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.err, HasSubstr("error"));
}

TEST_F(AgentTest, DeploySendsTheDefinitionAndWhatItResolvesToHere) {
  user_.define("mcns", kMcns);

  const Ran ran = user_.run({"deploy", "mcns"});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("mcns deployed"));
  ASSERT_EQ(agent_.deploys().size(), 1U);
  const pb::DeployRequest request = agent_.deploys().front();
  EXPECT_EQ(request.definition_toml(), kMcns);
  EXPECT_EQ(request.resolved_json(), model::canonical_json(resolved("mcns", kMcns)));
  EXPECT_EQ(request.change().source(), "cli");
  EXPECT_EQ(request.change().request_id().size(), 32U);
}

TEST_F(AgentTest, ADryRunOfDeployTellsWhatBecomesOfEachComponent) {
  const std::string before =
      "name = \"mcr\"\nversion = \"v1\"\n[[components]]\nname = \"api\"\n"
      "[[components]]\nname = \"web\"\n[[components]]\nname = \"old\"\n";
  agent_.services["mcr"].set_resolved_json(model::canonical_json(resolved("mcr", before)));
  agent_.deploy_result.set_kind("deploy");
  agent_.deploy_result.set_state("planned");
  user_.define("mcr",
               "name = \"mcr\"\nversion = \"v1\"\n[[components]]\nname = \"api\"\n"
               "[[components]]\nname = \"web\"\nread_only = true\n"
               "[[components]]\nname = \"new\"\n");

  const Ran ran = user_.run({"deploy", "mcr", "--dry-run"});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, testing::ContainsRegex("mcr/api +keep"));
  EXPECT_THAT(ran.out, testing::ContainsRegex("mcr/web +replace"));
  EXPECT_THAT(ran.out, testing::ContainsRegex("mcr/new +create"));
  EXPECT_THAT(ran.out, testing::ContainsRegex("mcr/old +remove"));
}

TEST_F(AgentTest, DeployTakesAFileAndAnotherVersion) {
  user_.home().write("mcns.toml", kMcns);

  const Ran ran = user_.run({"deploy", "./mcns.toml", "--version", "v2"});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  ASSERT_EQ(agent_.deploys().size(), 1U);
  EXPECT_EQ(agent_.deploys()[0].version(), "v2");
  EXPECT_THAT(agent_.deploys()[0].resolved_json(), HasSubstr("mcns:v2"));
}

TEST_F(AgentTest, SeveralServicesAreDeployedInTheOrderOfTheirDependencies) {
  user_.define("mcns", kMcns);
  user_.define("mcr", kMcr);
  user_.define("mcq", kMcq);

  const Ran ran = user_.run({"deploy", "mcq", "mcr", "mcns"});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  ASSERT_EQ(agent_.deploys().size(), 3U);
  EXPECT_EQ(agent_.deploys()[0].service(), "mcns");
  EXPECT_EQ(agent_.deploys()[1].service(), "mcr");
  EXPECT_EQ(agent_.deploys()[2].service(), "mcq");
}

TEST_F(AgentTest, OneBadDefinitionDeploysNothing) {
  user_.define("mcns", kMcns);
  user_.define("mcr", "name = \"mcr\"\nversion = \"latest\"\n");

  const Ran ran = user_.run({"deploy", "mcns", "mcr"});

  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_TRUE(agent_.deploys().empty());
}

TEST_F(AgentTest, AFailedDeployTellsWhyAndTriesNoOther) {
  user_.define("mcns", kMcns);
  user_.define("mcr", kMcr);
  agent_.deploy_result.set_kind("deploy");
  agent_.deploy_result.set_state("rolled_back");
  agent_.deploy_result.set_step("gate");
  agent_.deploy_result.set_error("connection refused");
  agent_.deploy_result.add_log_tail("panic: out of cheese");
  agent_.deploy_result.set_exit_code(6);

  const Ran ran = user_.run({"deploy", "mcns", "mcr"});

  EXPECT_EQ(ran.exit_code, 6);
  EXPECT_THAT(ran.err, HasSubstr("was rolled back; it failed at step \"gate\""));
  EXPECT_THAT(ran.err, HasSubstr("out of cheese"));
  EXPECT_THAT(ran.err, HasSubstr("mcr was not tried"));
  EXPECT_EQ(agent_.deploys().size(), 1U);
}

TEST_F(AgentTest, RollbackGoesBackByOneOrToTheGenerationGiven) {
  EXPECT_EQ(user_.run({"deploy", "mcr", "--rollback"}).exit_code, 0);
  EXPECT_EQ(user_.run({"deploy", "mcr", "--rollback", "3"}).exit_code, 0);
  EXPECT_EQ(user_.run({"deploy", "mcr", "mcns", "--rollback"}).exit_code, 2);

  ASSERT_EQ(agent_.deploys().size(), 2U);
  EXPECT_EQ(agent_.deploys()[0].rollback_generation(), -1);
  EXPECT_EQ(agent_.deploys()[1].rollback_generation(), 3);
}

TEST_F(AgentTest, ADryRunOfStopAsksOnlyWhatIsThere) {
  pb::ContainerState& container = *agent_.services["mcr"].add_containers();
  container.set_container("mcr");
  container.set_observed("healthy");

  const Ran ran = user_.run({"stop", "mcr", "--dry-run"});

  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "would stop mcr, which is healthy\n");
}

TEST_F(AgentTest, DiffComparesWithWhatIsRecorded) {
  user_.define("mcns", kMcns);
  agent_.services["mcns"].set_resolved_json(model::canonical_json(resolved("mcns", kMcns)));
  EXPECT_EQ(user_.run({"diff", "mcns"}).exit_code, 0);

  model::Service recorded = resolved("mcns", kMcns);
  recorded.essential = false;
  agent_.services["mcns"].set_resolved_json(model::canonical_json(recorded));
  const Ran ran = user_.run({"diff", "mcns"});

  EXPECT_EQ(ran.exit_code, 10);
  EXPECT_THAT(ran.out, HasSubstr("  essential: false -> true\n"));
}

TEST_F(AgentTest, DiffShowsPortsAndVolumesAsADefinitionWritesThem) {
  user_.define("mcns", kMcns);
  model::Service recorded = resolved("mcns", kMcns);
  recorded.components[0].ports[0].host = 5353;
  agent_.services["mcns"].set_resolved_json(model::canonical_json(recorded));

  const Ran ran = user_.run({"diff", "mcns"});

  EXPECT_THAT(ran.out, HasSubstr("[\"192.168.88.181:5353:53/udp\"] -> "
                                 "[\"192.168.88.181:53:53/udp\"]"));
}

TEST_F(AgentTest, JsonHasTheNamesOfTheProto) {
  agent_.containers.add_containers()->set_container_id("0123");

  const Ran ran = user_.run({"ps", "--json"});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("\"container_id\": \"0123\""));
  EXPECT_THAT(ran.out, HasSubstr("\"restarts\": 0"));
}

TEST_F(AgentTest, DoctorsExitCodeIsItsWorstFinding) {
  EXPECT_EQ(user_.run({"doctor"}).exit_code, 0);

  pb::Finding finding;
  finding.set_severity("warn");
  agent_.findings.push_back(finding);
  EXPECT_EQ(user_.run({"doctor"}).exit_code, 1);

  finding.set_severity("fail");
  agent_.findings.push_back(finding);
  EXPECT_EQ(user_.run({"doctor"}).exit_code, 2);
}

TEST_F(AgentTest, CompletionOffersComponentsThatTheAgentKnows) {
  pb::ContainerState& container = *agent_.containers.add_containers();
  container.set_service("mcr");
  container.set_component("api");

  const Ran ran = user_.run({"__complete", "--", "logs", "mcr"});

  EXPECT_THAT(ran.out, HasSubstr("mcr/api")) << ran.err;
}

class RecoverTest : public AgentTest {
 protected:
  void plan(const std::string& action) {
    pb::RecoverEvent event;
    event.mutable_plan()->set_service("mcns");
    event.mutable_plan()->set_component("mcns");
    event.mutable_plan()->set_action(action);
    event.mutable_plan()->set_reason("why");
    agent_.recovery.push_back(event);
  }
  void end(const std::string& state) {
    pb::RecoverEvent event;
    event.mutable_result()->set_kind("recover");
    event.mutable_result()->set_state(state);
    agent_.recovery.push_back(event);
  }
};

TEST_F(RecoverTest, ADryRunTellsWhetherThereIsSomethingToDo) {
  plan("keep");
  end("planned");
  EXPECT_EQ(user_.run({"agent", "recover", "--dry-run"}).exit_code, 0);

  agent_.recovery.clear();
  plan("recreate");
  end("planned");
  EXPECT_EQ(user_.run({"agent", "recover", "--dry-run"}).exit_code, 10);

  agent_.recovery.clear();
  plan("recreate");
  plan("blocked");
  end("planned");
  EXPECT_EQ(user_.run({"agent", "recover", "--dry-run"}).exit_code, 11);
}

TEST_F(RecoverTest, ShowsThePlanThenTheItemsThenTheTable) {
  plan("recreate");
  pb::RecoverEvent item;
  item.mutable_item()->set_service("mcns");
  item.mutable_item()->set_component("mcns");
  item.mutable_item()->set_stage("foundation");
  item.mutable_item()->set_state("healthy");
  item.mutable_item()->set_ms(1240);
  agent_.recovery.push_back(item);
  end("done");

  const Ran ran = user_.run({"agent", "recover"});

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, HasSubstr("mcns/mcns  recreate  why"));
  EXPECT_THAT(ran.err, HasSubstr("mcns/mcns healthy after 1.2 s"));
  EXPECT_THAT(ran.out, HasSubstr("foundation  mcns/mcns  healthy"));
}

TEST_F(RecoverTest, InPartHasACodeOfItsOwn) {
  plan("recreate");
  end("partial");

  EXPECT_EQ(user_.run({"agent", "recover"}).exit_code, 7);
}

// A deploy that goes on until it is cancelled, and Ctrl-C.
class InterruptTest : public AgentTest {
 protected:
  InterruptTest() {
    user_.define("mcns", kMcns);
    agent_.deploy_waits_for_cancel = true;
    dsl::env::Command command;
    command.argv = {MC_MCP_BINARY, "deploy", "mcns"};
    command.environment = {"HOME=" + user_.home().path(), "MCP_SOCKET=" + user_.socket(),
                           "MCP_SERVICES_DIR=" + user_.home().file("services")};
    command.output_path = user_.home().file("output");
    command.new_session = true;
    process_ = require_ok(dsl::env::system_env().processes().start(command));
  }
  // Until the program has said `words`.
  void await(const std::string& words) {
    dsl::env::Clock& clock = dsl::env::system_env().clock();
    const auto deadline = clock.mono_now() + std::chrono::seconds(20);
    while (output().find(words) == std::string::npos && clock.mono_now() < deadline) {
      clock.sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_THAT(output(), HasSubstr(words));
  }
  std::string output() {
    return dsl::env::system_env()
        .files()
        .read_file(user_.home().file("output"))
        .value_or(std::string());
  }
  int wait() { return require_ok(process_->wait(std::chrono::seconds(20))); }

  std::unique_ptr<dsl::env::Process> process_;
};

TEST_F(InterruptTest, OneCtrlCLeavesTheOperationRunningAndSaysItsId) {
  await("api: start");

  process_->signal(SIGINT);

  EXPECT_EQ(wait(), 130);
  EXPECT_THAT(output(), HasSubstr("operation a1b2c3 goes on"));
  EXPECT_FALSE(agent_.cancelled());
}

TEST_F(InterruptTest, ASecondCtrlCCancelsAndWaitsForTheRollBack) {
  await("api: start");
  process_->signal(SIGINT);
  await("Ctrl-C again");

  process_->signal(SIGINT);

  EXPECT_EQ(wait(), 1);
  EXPECT_TRUE(agent_.cancelled());
  EXPECT_THAT(output(), HasSubstr("was rolled back"));
}

}  // namespace
}  // namespace mcp::cli
