// The promises of engine.h over random graphs, failures, operators and crashes.
#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "mcp/boot/simulation.h"

namespace mcp::boot {
namespace {

using std::chrono::milliseconds;
using testing::Behaviour;
using testing::Simulation;

// Small numbers, so that coincidences happen.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}

  int below(int bound) { return static_cast<int>(engine_() % static_cast<std::uint32_t>(bound)); }
  bool one_in(int count) { return below(count) == 0; }
  milliseconds seconds(int bound) { return milliseconds(500 * below(2 * bound)); }

 private:
  std::mt19937 engine_;
};

struct Case {
  Graph graph;
  EngineOptions options;
  std::vector<Behaviour> world;
};

Case random_case(Dice& dice) {
  Case made;
  const int stages = 1 + dice.below(4);
  for (int i = 0; i < stages; ++i) {
    made.graph.stages.push_back("stage" + std::to_string(i));
  }
  std::size_t stage = 0;
  const std::size_t count = static_cast<std::size_t>(dice.below(14));
  for (std::size_t i = 0; i < count; ++i) {
    if (dice.one_in(3) && stage + 1 < made.graph.stages.size()) {
      ++stage;
    }
    Node node;
    node.key = "s/" + std::to_string(i);
    node.stage = stage;
    node.essential = !dice.one_in(4);
    node.deadline = milliseconds(1000) + dice.seconds(8);
    for (std::size_t need = 0; need < i; ++need) {
      if (dice.one_in(4)) {
        node.needs.push_back(need);
      }
    }
    made.graph.nodes.push_back(node);

    Behaviour behaviour;
    behaviour.prepare_takes = dice.seconds(3);
    behaviour.gate_takes = dice.seconds(3) / 2;
    if (dice.one_in(3)) {
      behaviour.prepare_fails_until = dice.seconds(100);
    }
    if (dice.one_in(4)) {
      behaviour.image_missing_until = dice.seconds(100);
    }
    while (dice.one_in(2)) {
      const milliseconds from = dice.seconds(60);
      behaviour.unhealthy.emplace_back(from, from + dice.seconds(60));
    }
    // No gate can pass that takes longer than its deadline.
    behaviour.gate_takes = std::min(behaviour.gate_takes, node.deadline);
    made.world.push_back(behaviour);
  }
  made.options.parallel = 1 + dice.below(4);
  made.options.stage_timeout = milliseconds(1000) + dice.seconds(60);
  made.options.proceed_on_timeout = dice.one_in(3);
  return made;
}

void require_kept_promises(const Simulation& simulation) {
  if (!simulation.violations().empty()) {
    for (const std::string& line : simulation.log()) {
      RC_LOG() << line << "\n";
    }
    RC_FAIL(simulation.violations().front());
  }
}

void require_all_healthy(const Simulation& simulation) {
  require_kept_promises(simulation);
  RC_ASSERT(simulation.engine().state() == RunState::kDone);
  for (std::size_t i = 0; i < simulation.engine().graph().nodes.size(); ++i) {
    RC_ASSERT(simulation.engine().status(i).state == NodeState::kHealthy);
  }
}

RC_GTEST_PROP(EngineProperty, EveryRunEndsHealthyOnceFailuresEnd, (std::uint32_t seed)) {
  Dice dice(seed);
  const Case made = random_case(dice);
  Simulation simulation(made.graph, made.options, made.world);

  simulation.run();

  require_all_healthy(simulation);
}

RC_GTEST_PROP(EngineProperty, KilledAtAnyInstantsItReachesTheSameEnd, (std::uint32_t seed)) {
  Dice dice(seed);
  const Case made = random_case(dice);
  Simulation undisturbed(made.graph, made.options, made.world);
  undisturbed.run();
  Simulation simulation(made.graph, made.options, made.world);
  for (int i = dice.below(6); i >= 0; --i) {
    simulation.kill_before_action(
        1 + static_cast<std::size_t>(dice.below(static_cast<int>(undisturbed.actions()) + 1)));
    simulation.kill_at(dice.seconds(100));
  }

  simulation.run();

  require_all_healthy(simulation);
}

RC_GTEST_PROP(EngineProperty, OperatorsAndKillsBreakNoPromise, (std::uint32_t seed)) {
  Dice dice(seed);
  const Case made = random_case(dice);
  RC_PRE(!made.graph.nodes.empty());
  Simulation simulation(made.graph, made.options, made.world);
  for (int i = dice.below(8); i >= 0; --i) {
    const Event::Kind kinds[] = {Event::Kind::kRetry, Event::Kind::kSkip, Event::Kind::kProceed};
    Event event;
    event.kind = kinds[dice.below(3)];
    event.node = static_cast<std::size_t>(dice.below(static_cast<int>(made.graph.nodes.size())));
    simulation.at(dice.seconds(100), event);
  }
  if (dice.one_in(3)) {
    simulation.kill_at(dice.seconds(100));
  }
  const bool aborted = dice.one_in(5);
  if (aborted) {
    simulation.at(dice.seconds(100), {.kind = Event::Kind::kAbort});
  }

  simulation.run();

  require_kept_promises(simulation);
  RC_ASSERT(simulation.over());
  if (!aborted) {
    RC_ASSERT(simulation.engine().state() == RunState::kDone);
  }
}

RC_GTEST_PROP(EngineProperty, TheSameEventsGiveTheSameLog, (std::uint32_t seed)) {
  const auto log = [seed] {
    Dice dice(seed);
    const Case made = random_case(dice);
    Simulation simulation(made.graph, made.options, made.world);
    simulation.kill_at(dice.seconds(30));
    simulation.run();
    return simulation.log();
  };

  RC_ASSERT(log() == log());
}

}  // namespace
}  // namespace mcp::boot
