#include "mcp/boot/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mcp::boot {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Graph graph_of(std::size_t nodes) {
  Graph graph;
  graph.stages = {"core"};
  for (std::size_t i = 0; i < nodes; ++i) {
    graph.nodes.emplace_back();
    graph.nodes.back().key = "s/" + std::to_string(i);
  }
  return graph;
}

MonoTime at(int second) { return MonoTime{} + seconds(second); }

std::vector<Action::Kind> kinds(const std::vector<Action>& actions) {
  std::vector<Action::Kind> kinds;
  for (const Action& action : actions) {
    kinds.push_back(action.kind);
  }
  return kinds;
}

TEST(Engine, IgnoresAnswersThatNobodyWaitsFor) {
  Engine engine(graph_of(1), {});

  EXPECT_TRUE(engine.handle({.kind = Event::Kind::kPrepared}, at(0)).empty());
  engine.handle({.kind = Event::Kind::kStart}, at(0));
  EXPECT_TRUE(engine.handle({.kind = Event::Kind::kGate}, at(1)).empty());
  EXPECT_TRUE(engine.handle({.kind = Event::Kind::kRechecked, .error = "no"}, at(1)).empty());

  EXPECT_EQ(engine.status(0).state, NodeState::kPreparing);
}

TEST(Engine, AnswersNothingAfterTheEnd) {
  Engine engine(graph_of(1), {});
  engine.handle({.kind = Event::Kind::kStart}, at(0));
  EXPECT_THAT(kinds(engine.handle({.kind = Event::Kind::kAbort}, at(1))),
              testing::ElementsAre(Action::Kind::kFinished));

  EXPECT_TRUE(engine.handle({.kind = Event::Kind::kPrepared}, at(2)).empty());

  EXPECT_EQ(engine.state(), RunState::kAborted);
  EXPECT_EQ(engine.next_wakeup(), std::nullopt);
}

TEST(Engine, RunOverNothingIsDoneAtOnce) {
  Engine without_nodes(graph_of(0), {});
  Engine without_stages(Graph{}, {});

  without_nodes.handle({.kind = Event::Kind::kStart}, at(0));
  without_stages.handle({.kind = Event::Kind::kStart}, at(0));

  EXPECT_EQ(without_nodes.state(), RunState::kDone);
  EXPECT_EQ(without_stages.state(), RunState::kDone);
}

TEST(Engine, TrailsOnceOnlyWhatIsNotEssentialIsLeftAndTried) {
  Graph graph = graph_of(2);
  graph.nodes[1].essential = false;
  Engine engine(graph, {});
  engine.handle({.kind = Event::Kind::kStart}, at(0));
  engine.handle({.kind = Event::Kind::kPrepared, .node = 0}, at(1));
  engine.handle({.kind = Event::Kind::kGate, .node = 0}, at(2));
  EXPECT_FALSE(engine.trailing());  // its first attempt is still under way

  engine.handle({.kind = Event::Kind::kPrepared, .node = 1, .error = "no image"}, at(3));
  EXPECT_TRUE(engine.trailing());
  EXPECT_EQ(engine.state(), RunState::kRunning);

  engine.handle({.kind = Event::Kind::kTick}, at(6));
  engine.handle({.kind = Event::Kind::kPrepared, .node = 1}, at(7));
  engine.handle({.kind = Event::Kind::kGate, .node = 1}, at(8));
  EXPECT_FALSE(engine.trailing());
}

TEST(Engine, PersistsANodeBeforeItActsOnIt) {
  Engine engine(graph_of(1), {});

  const auto started = engine.handle({.kind = Event::Kind::kStart}, at(0));
  const auto prepared = engine.handle({.kind = Event::Kind::kPrepared}, at(1));

  EXPECT_THAT(kinds(started), testing::ElementsAre(Action::Kind::kStageOpened,
                                                   Action::Kind::kPersist, Action::Kind::kPrepare));
  EXPECT_THAT(kinds(prepared), testing::ElementsAre(Action::Kind::kPersist, Action::Kind::kGate));
}

TEST(Engine, MeasuresFromFirstPreparationToHealthy) {
  Engine engine(graph_of(1), {});
  engine.handle({.kind = Event::Kind::kStart}, at(0));
  engine.handle({.kind = Event::Kind::kPrepared, .error = "port in use"}, at(1));
  EXPECT_EQ(engine.next_wakeup(), at(3));
  engine.handle({.kind = Event::Kind::kTick}, at(3));
  engine.handle({.kind = Event::Kind::kPrepared}, at(5));

  engine.handle({.kind = Event::Kind::kGate, .answer = "200 ok"}, at(6));

  EXPECT_EQ(engine.status(0).took, seconds(6));
  EXPECT_EQ(engine.status(0).attempts, 2);
  EXPECT_EQ(engine.status(0).error, "");
  EXPECT_EQ(engine.status(0).answer, "200 ok");
}

TEST(Engine, SkippedNodeIsTakenBackWhileItsPreparationIsStillUnderWay) {
  Engine engine(graph_of(2), {});
  engine.handle({.kind = Event::Kind::kStart}, at(0));
  engine.handle({.kind = Event::Kind::kSkip, .node = 1}, at(1));
  EXPECT_EQ(engine.status(1).state, NodeState::kSkipped);

  const auto actions = engine.handle({.kind = Event::Kind::kRetry, .node = 1}, at(2));

  EXPECT_THAT(kinds(actions), testing::ElementsAre(Action::Kind::kPersist));
  EXPECT_EQ(engine.status(1).state, NodeState::kPreparing);
  EXPECT_EQ(engine.status(1).attempts, 1);
}

TEST(Engine, SkippingAHealthyNodeChangesNothing) {
  Engine engine(graph_of(2), {});
  engine.restore(0, NodeState::kHealthy, 3);
  engine.handle({.kind = Event::Kind::kStart}, at(0));

  engine.handle({.kind = Event::Kind::kSkip, .node = 0}, at(1));
  engine.handle({.kind = Event::Kind::kRetry, .node = 0}, at(2));

  EXPECT_EQ(engine.status(0).state, NodeState::kHealthy);
  EXPECT_EQ(engine.status(0).attempts, 3);
}

TEST(Engine, RestoreKeepsHealthyAndSkippedAndStartsTheRestOver) {
  Engine engine(graph_of(3), {});
  engine.restore(0, NodeState::kHealthy, 1);
  engine.restore(1, NodeState::kSkipped, 2);
  engine.restore(2, NodeState::kGating, 4);

  const auto actions = engine.handle({.kind = Event::Kind::kStart}, at(0));

  ASSERT_THAT(kinds(actions), testing::ElementsAre(Action::Kind::kStageOpened,
                                                   Action::Kind::kPersist, Action::Kind::kPrepare));
  EXPECT_EQ(actions[2].node, 2U);
  EXPECT_EQ(engine.status(2).attempts, 5);
}

TEST(Engine, HoldingTurnsBackToRunningWhenOnlyOptionalNodesAreLeft) {
  Graph graph = graph_of(2);
  graph.nodes[1].essential = false;
  Engine engine(graph, {.stage_timeout = milliseconds(5000)});
  engine.handle({.kind = Event::Kind::kStart}, at(0));
  engine.handle({.kind = Event::Kind::kPrepared, .node = 0}, at(1));
  engine.handle({.kind = Event::Kind::kTick}, at(5));
  EXPECT_EQ(engine.state(), RunState::kHolding);

  engine.handle({.kind = Event::Kind::kGate, .node = 0}, at(6));

  EXPECT_EQ(engine.state(), RunState::kRunning);
  EXPECT_EQ(engine.next_wakeup(), std::nullopt);
}

TEST(Engine, AlertNamesAFewNodesAndCountsTheRest) {
  Engine engine(graph_of(9), {.parallel = 1, .stage_timeout = milliseconds(5000)});
  engine.handle({.kind = Event::Kind::kStart}, at(0));

  const auto actions = engine.handle({.kind = Event::Kind::kTick}, at(5));

  ASSERT_THAT(kinds(actions), testing::ElementsAre(Action::Kind::kAlert));
  EXPECT_EQ(actions[0].message,
            "stage core is not healthy after 5 s, holding: s/0 is preparing; s/1 is pending; "
            "s/2 is pending; s/3 is pending; s/4 is pending; and 4 more");
}

TEST(NodeState, EveryNameIsReadBack) {
  for (int i = 0; i <= static_cast<int>(NodeState::kImageMissing); ++i) {
    const auto state = static_cast<NodeState>(i);
    EXPECT_EQ(node_state_from_name(name(state)), state);
  }
  EXPECT_EQ(node_state_from_name("healthy-ish"), std::nullopt);
}

}  // namespace
}  // namespace mcp::boot
