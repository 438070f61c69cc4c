#include "mcp/boot/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "mcp/boot/node_model.h"

namespace mcp::boot {
namespace {

using runtime::Container;
using runtime::State;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NodeModel;

const std::vector<std::string> kStages = {"foundation", "core", "services"};

std::vector<std::string> lines(const Plan& plan) {
  std::vector<std::string> lines;
  for (const PlanStep& step : plan.steps) {
    lines.push_back(std::string(name(step.action)) + " " + step.container + ": " + step.reason);
  }
  return lines;
}

class Planner : public ::testing::Test {
 protected:
  Planner() {
    node_.add_service("mcq", "services");
    node_.store_image("mcq:v1", "sha256:aaa");
  }
  Plan plan() const { return plan_recover(node_.wanted(), node_.inventory(), kStages); }

  NodeModel node_;
};

TEST_F(Planner, NeverTouchesAForeignContainerThatHoldsAWantedName) {
  Container& container = node_.run("mcq", "api");
  container.labels.clear();

  EXPECT_THAT(lines(plan()),
              ElementsAre("blocked mcq: mcq is a container that mcp did not make: mcp adopt takes "
                          "it over"));
  EXPECT_EQ(plan().exit_code(), 11);
}

TEST_F(Planner, ContainerOfAnotherComponentBlocksTheName) {
  Container& container = node_.run("mcq", "api");
  container.labels["mcp.service"] = "old";

  EXPECT_THAT(lines(plan()), ElementsAre("blocked mcq: mcq is a container of old/api",
                                         "orphan mcq: not in the registry"));
}

TEST_F(Planner, StorageOnlyNameIsNotReleasedWhileAProcessRunsInIt) {
  Container& container = node_.run("mcq", "api");
  container.storage_only = true;

  EXPECT_THAT(lines(plan()), ElementsAre("blocked mcq: the image store holds the name, and a "
                                         "process runs in that container"));
}

TEST_F(Planner, OtherStorageOnlyNamesAreLeftAlone) {
  node_.run("mcq", "api");
  node_.add_foreign("buildah-working-container").storage_only = true;

  EXPECT_THAT(lines(plan()),
              ElementsAre("keep mcq: running",
                          "foreign buildah-working-container: known to the image store only"));
  EXPECT_EQ(plan().exit_code(), 0);
}

TEST_F(Planner, ReleasesTheNameThatOnlyTheImageStoreHolds) {
  const std::string id = node_.run("mcq", "api").id;
  node_.lose_podman_database();

  const Plan planned = plan();

  EXPECT_THAT(lines(planned), ElementsAre("release-name mcq: the image store holds the name",
                                          "recreate mcq: unknown to podman"));
  EXPECT_EQ(planned.steps[0].container_id, id);
  EXPECT_EQ(planned.steps[1].container_id, "");
  EXPECT_EQ(planned.exit_code(), 10);
}

TEST_F(Planner, ImageThatIsNowhereBlocksAndLeavesTheNameHeld) {
  node_.run("mcq", "api");
  node_.lose_podman_database();
  node_.lose_images();

  EXPECT_THAT(lines(plan()),
              ElementsAre("blocked mcq: image mcr.test:8443/mcq:v1 is neither in the store nor in "
                          "an archive: podman load -i FILE"));
}

TEST_F(Planner, TagsAnImageThatIsKnownByItsDigestUnderAnotherName) {
  node_.lose_images();
  const std::string id = node_.store_image("other:v7", "sha256:aaa");
  node_.record_digest("mcq", "sha256:aaa");

  const Plan planned = plan();

  EXPECT_THAT(lines(planned),
              ElementsAre("load-image mcq: known under another name", "recreate mcq: missing"));
  EXPECT_EQ(planned.steps[0].image, id);
  EXPECT_EQ(planned.steps[0].archive, "");
}

TEST_F(Planner, LoadsAnArchiveOnceForAllThatNeedIt) {
  node_.lose_images();
  node_.add_service("twin", "services", {}, "mcq:v1");
  node_.add_archive("/srv/mcp/images/mcq_v1.tar.zst");

  const Plan planned = plan();

  EXPECT_THAT(lines(planned), ElementsAre("load-image mcq: from /srv/mcp/images/mcq_v1.tar.zst",
                                          "recreate mcq: missing", "recreate twin: missing"));
  EXPECT_EQ(planned.steps[0].archive, "/srv/mcp/images/mcq_v1.tar.zst");
  EXPECT_EQ(planned.steps[0].image, "mcr.test:8443/mcq:v1");
}

TEST_F(Planner, FullNameOfAnArchiveGoesBeforeTheShortOne) {
  node_.lose_images();
  node_.add_archive("/a/mcq_v1.tar");
  node_.add_archive("/a/mcr.test_8443_mcq_v1.tar");

  EXPECT_EQ(plan().steps[0].archive, "/a/mcr.test_8443_mcq_v1.tar");
}

TEST_F(Planner, SaysThatATagHasMoved) {
  node_.record_digest("mcq", "sha256:bbb");

  EXPECT_THAT(lines(plan()), ElementsAre("recreate mcq: missing; its image has another digest than "
                                         "the one recorded"));
}

TEST_F(Planner, RecreatesWhatPodmanWronglyCallsRunning) {
  const std::string id = node_.run("mcq", "api").id;
  node_.kill_processes();

  const Plan planned = plan();

  EXPECT_THAT(lines(planned),
              ElementsAre("recreate mcq: podman says running, its process is gone"));
  EXPECT_EQ(planned.steps[0].container_id, id);
}

TEST_F(Planner, SaysWhatIsDeadWhenThatIsKnown) {
  const std::string id = node_.run("mcq", "api").id;
  node_.kill_processes();
  Inventory inventory = node_.inventory();
  inventory.why_dead[id] = "127.0.0.1:48080/tcp has no listener";

  const Plan planned = plan_recover(node_.wanted(), inventory, kStages);

  EXPECT_THAT(lines(planned), ElementsAre("recreate mcq: podman says running, 127.0.0.1:48080/tcp "
                                          "has no listener"));
}

TEST_F(Planner, StartsWhatIsStopped) {
  node_.run("mcq", "api").state = State::kExited;

  EXPECT_THAT(lines(plan()), ElementsAre("start mcq: not running"));
}

TEST_F(Planner, RecreatesWhatWasMadeFromAnotherSpecification) {
  node_.run("mcq", "api");
  node_.change("mcq").components[0].user = "1:1";

  EXPECT_THAT(lines(plan()), ElementsAre("recreate mcq: made from another specification "
                                         "(generation 1, want 2)"));
}

TEST_F(Planner, KeepsAContainerThatTheNewSpecificationAsksForToo) {
  node_.run("mcq", "api");
  node_.change("mcq").components[0].health.deadline = std::chrono::seconds(7);

  EXPECT_THAT(lines(plan()), ElementsAre("keep mcq: running"));
}

TEST_F(Planner, AnotherHashOnTheLabelIsAnotherSpecification) {
  Container& container = node_.run("mcq", "api");
  container.labels["mcp.component.sha256"] = "00";
  container.labels["mcp.spec"] = "not base64";

  EXPECT_THAT(lines(plan()), ElementsAre("recreate mcq: made from another specification "
                                         "(generation 1, want 1)"));
}

TEST_F(Planner, WhatIsWantedStoppedIsLeftAsItIs) {
  node_.stop_wanting("mcq");
  EXPECT_THAT(lines(plan()), ElementsAre("keep mcq: wanted stopped"));

  node_.run("mcq", "api");
  EXPECT_THAT(lines(plan()),
              ElementsAre("keep mcq: runs, though it is wanted stopped: left alone"));
  EXPECT_EQ(plan().exit_code(), 0);
}

TEST_F(Planner, ReportsOrphansStaleAndForeignOnesLast) {
  node_.run("mcq", "api");
  Container old = node_.run("mcq", "api");
  node_.add_foreign("web");
  old.id = "old";
  old.name = "mcq.prev";
  node_.add(old);
  old.id = "gone";
  old.name = "gone-api";
  old.labels["mcp.service"] = "gone";
  node_.add(old);

  EXPECT_THAT(lines(plan()),
              ElementsAre("keep mcq: running", "orphan gone-api: not in the registry",
                          "stale mcq.prev: generation 1 of a registered component",
                          "foreign web: not made by mcp"));
}

TEST_F(Planner, StepsComeInBootOrder) {
  node_.add_service("mcr", "core", {"mcias"});
  node_.add_service("aaa", "core", {"mcr"});
  node_.add_service("mcias", "foundation");
  for (const char* image : {"mcr:v1", "aaa:v1", "mcias:v1"}) {
    node_.store_image(image, std::string("sha256:") + image);
  }

  EXPECT_THAT(lines(plan()), ElementsAre("recreate mcias: missing", "recreate mcr: missing",
                                         "recreate aaa: missing", "recreate mcq: missing"));
}

TEST_F(Planner, ServicesThatCannotBeOrderedAreStillPlanned) {
  node_.add_service("aaa", "core", {"nowhere"});
  node_.store_image("aaa:v1", "sha256:ccc");

  EXPECT_THAT(lines(plan()), ElementsAre("recreate aaa: missing", "recreate mcq: missing"));
}

TEST_F(Planner, AdoptedContainerIsComparedBySettings) {
  Container& container = node_.run("mcq", "api");
  node_.adopt("mcq");
  EXPECT_THAT(lines(plan()), ElementsAre("keep mcq: running"));

  container.user = "5:5";
  container.env.clear();
  EXPECT_THAT(lines(plan()), ElementsAre("recreate mcq: adopted, but differs in user, env.MODE"));
}

TEST(Settings, ComparesWhatTheComponentAsksFor) {
  NodeModel node;
  node.add_service("mcq", "services");
  const model::Component component = node.change("mcq").components[0];
  Container container = node.run("mcq", "api");
  ASSERT_THAT(compare_settings(component, component.ports, container), IsEmpty());

  container.image = "mcr.test:8443/mcq:v2";
  container.ports[0].host = 1;
  container.mounts.clear();
  container.networks = {"other"};
  container.restart_policy = "no";
  container.command = {"server", "--debug"};
  container.env = {"MODE=hunter2"};

  std::vector<std::string> shown;
  for (const auto& difference : compare_settings(component, component.ports, container)) {
    shown.push_back(difference.field + ": " + difference.want + " | " + difference.have);
  }
  EXPECT_THAT(shown, ElementsAre("image: mcr.test:8443/mcq:v1 | mcr.test:8443/mcq:v2",
                                 "cmd: server | server --debug", "network: mcpnet | other",
                                 "ports: :28443:8443/tcp | :1:8443/tcp",
                                 "volumes: /srv/mcq:/srv/mcq | ", "restart: unless-stopped | no",
                                 "env.MODE: as defined | absent or different"));
}

TEST(Settings, EqualThingsWrittenDifferentlyAreEqual) {
  NodeModel node;
  node.add_service("mcq", "services");
  model::Component component = node.change("mcq").components[0];
  Container container = node.run("mcq", "api");
  component.ports = {{.host = 100, .container = 200, .count = 2}};
  component.restart = "on-failure:3";
  component.network = "default";
  component.volumes[0].options = {"rw", "Z"};
  component.cmd.reset();
  container.ports = {{.host_ip = "0.0.0.0", .host = 101, .container = 201},
                     {.host_ip = "0.0.0.0", .host = 100, .container = 200}};
  container.restart_policy = "on-failure";
  container.user = "root";
  container.env.push_back("PATH=/bin");

  EXPECT_THAT(compare_settings(component, component.ports, container), IsEmpty());
}

TEST(Settings, SocketsAreAMountAndAVariableOrPortsThatWerePublishedByHand) {
  NodeModel node;
  node.add_service("mcq", "services");
  model::Component component = node.change("mcq").components[0];
  component.sockets = {{"dns", "udp", "127.0.1.1", 53, 53}};
  component.sockets_dir = "/srv/mcp/sockets/mcq/api";
  Container handed = node.run("mcq", "api");
  Container by_hand = handed;
  const Container without = handed;

  handed.mounts.push_back({"/srv/mcp/sockets/mcq/api", "/run/mc/sockets", {"ro"}});
  EXPECT_THAT(compare_settings(component, component.ports, handed), ::testing::SizeIs(1));
  handed.env.push_back("MC_SOCKETS=/run/mc/sockets");
  EXPECT_THAT(compare_settings(component, component.ports, handed), IsEmpty());
  EXPECT_THAT(compare_settings(component, component.ports, without), ::testing::SizeIs(1));
  by_hand.ports.push_back({"127.0.1.1", 53, 53, "udp"});
  EXPECT_THAT(compare_settings(component, component.ports, by_hand), IsEmpty());
}

TEST(Settings, ShortReferencesHaveOneSpelling) {
  EXPECT_EQ(normal_reference("mcq"), "mcq:latest");
  EXPECT_EQ(normal_reference("localhost/mcq:v1"), "mcq:v1");
  EXPECT_EQ(normal_reference("docker.io/library/mcq"), "mcq:latest");
  EXPECT_EQ(normal_reference("mcr.test:8443/mcq"), "mcr.test:8443/mcq:latest");
  EXPECT_EQ(normal_reference("mcr.test:8443/mcq@sha256:aa"), "mcr.test:8443/mcq@sha256:aa");
}

// Recovery of whatever podman came back with.
RC_GTEST_PROP(PlannerProperty, AppliedPlanLeavesNothingToDo, (std::uint32_t seed)) {
  NodeModel node = NodeModel::random(seed);
  const std::size_t foreign = node.foreign_count();
  const auto kept = node.correct_and_live();

  const Plan plan = plan_recover(node.wanted(), node.inventory(), kStages);
  node.apply(plan);
  const Plan again = plan_recover(node.wanted(), node.inventory(), kStages);

  RC_ASSERT(!again.changes());
  RC_ASSERT(again.recoverable() == plan.recoverable());
  RC_ASSERT(node.foreign_count() == foreign);
  for (const std::string& id : kept) {
    RC_ASSERT(node.inventory().live_ids.count(id) == 1U);
  }
}

}  // namespace
}  // namespace mcp::boot
