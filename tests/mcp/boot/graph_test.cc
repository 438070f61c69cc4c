#include "mcp/boot/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mcp::boot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kStages = {"foundation", "core", "services"};

model::Service service(const std::string& name, const std::string& tier,
                       const std::vector<std::string>& depends_on = {},
                       const std::vector<std::string>& components = {"api"}) {
  model::Service made;
  made.name = name;
  made.tier = tier;
  made.depends_on = depends_on;
  for (const std::string& component : components) {
    made.components.emplace_back();
    made.components.back().name = component;
  }
  return made;
}

std::vector<std::string> keys(const Graph& graph) {
  std::vector<std::string> keys;
  for (const Node& node : graph.nodes) {
    keys.push_back(node.key);
  }
  return keys;
}

std::vector<std::string> needs(const Graph& graph, const std::string& key) {
  std::vector<std::string> found;
  for (const Node& node : graph.nodes) {
    if (node.key == key) {
      for (const std::size_t need : node.needs) {
        found.push_back(graph.nodes[need].key);
      }
    }
  }
  return found;
}

std::string error_of(const std::vector<model::Service>& services) {
  const auto built = build_graph(services, kStages);
  return built ? "" : built.error().render();
}

TEST(Graph, NamesWhatIsNotKnown) {
  auto mcq = service("mcq", "services", {"mcias", "mcr/cache"});
  mcq.components[0].after = {"db"};

  const std::string error = error_of({mcq, service("mcr", "core"), service("odd", "late")});

  EXPECT_THAT(error, HasSubstr("mcq: depends_on = \"mcias\": no such service"));
  EXPECT_THAT(error, HasSubstr("mcq: depends_on = \"mcr/cache\": no such component"));
  EXPECT_THAT(error, HasSubstr("mcq/api: after = \"db\": mcq has no such component"));
  EXPECT_THAT(error, HasSubstr("odd: unknown stage late"));
}

TEST(Graph, RefusesAServiceTwice) {
  EXPECT_THAT(error_of({service("mcq", "core"), service("mcq", "services")}),
              HasSubstr("mcq: is defined twice"));
}

TEST(Graph, RefusesAnEdgeToALaterStage) {
  EXPECT_THAT(error_of({service("mcias", "foundation", {"mcq"}), service("mcq", "services")}),
              HasSubstr("mcias/api: stage foundation needs mcq/api of the later stage services"));
}

TEST(Graph, PrintsACycle) {
  EXPECT_THAT(error_of({service("a", "core", {"c"}), service("b", "core", {"a"}),
                        service("c", "core", {"b"}), service("d", "core", {"a"})}),
              HasSubstr("a/api: dependency cycle: a/api -> c/api -> b/api -> a/api"));
}

TEST(Graph, ServiceThatNeedsItselfIsACycle) {
  EXPECT_THAT(error_of({service("a", "core", {"a"})}),
              HasSubstr("dependency cycle: a/api -> a/api"));
}

TEST(Graph, OrdersByStageThenNeedsThenKey) {
  auto zoo = service("zoo", "foundation", {}, {"web", "api", "db"});
  zoo.components[0].after = {"api"};
  zoo.components[1].after = {"db"};

  const auto built =
      build_graph({service("ape", "core"), service("mcr", "foundation", {"zoo/db"}), zoo}, kStages);

  ASSERT_TRUE(built) << built.error().render();
  EXPECT_THAT(keys(built->graph),
              ElementsAre("zoo/db", "mcr/api", "zoo/api", "zoo/web", "ape/api"));
  EXPECT_THAT(needs(built->graph, "zoo/web"), ElementsAre("zoo/api"));
  EXPECT_THAT(needs(built->graph, "mcr/api"), ElementsAre("zoo/db"));
}

TEST(Graph, DependingOnAServiceMeansAllItsComponents) {
  const auto built = build_graph(
      {service("mcq", "core", {"zoo"}), service("zoo", "core", {}, {"db", "api"})}, kStages);

  ASSERT_TRUE(built) << built.error().render();
  EXPECT_THAT(needs(built->graph, "mcq/api"), ElementsAre("zoo/api", "zoo/db"));
}

TEST(Graph, LeavesInactiveServicesOutWithANotice) {
  auto mcias = service("mcias", "foundation");
  mcias.active = false;

  const auto built = build_graph({mcias, service("mcq", "services", {"mcias"})}, kStages);

  ASSERT_TRUE(built) << built.error().render();
  EXPECT_THAT(keys(built->graph), ElementsAre("mcq/api"));
  EXPECT_THAT(needs(built->graph, "mcq/api"), ElementsAre());
  EXPECT_THAT(built->notices,
              ElementsAre("mcq depends on mcias, which is not active: not waited for"));
}

TEST(Graph, AttemptMayLastAsLongAsGateAndStartPeriod) {
  auto mcq = service("mcq", "services");
  mcq.essential = false;
  mcq.components[0].health.deadline = std::chrono::seconds(60);
  mcq.components[0].health.start_period = std::chrono::seconds(30);

  const auto built = build_graph({mcq}, kStages);

  ASSERT_TRUE(built) << built.error().render();
  EXPECT_EQ(built->graph.nodes[0].deadline, std::chrono::seconds(90));
  EXPECT_FALSE(built->graph.nodes[0].essential);
  EXPECT_EQ(built->graph.nodes[0].stage, 2U);
}

}  // namespace
}  // namespace mcp::boot
