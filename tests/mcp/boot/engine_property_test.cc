// The promises of engine.h over random graphs, failures, operators and crashes.
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "mcp/boot/random_case.h"

namespace mcp::boot {
namespace {

using testing::Case;
using testing::Dice;
using testing::random_case;
using testing::random_order;
using testing::Simulation;

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
    const Event order = random_order(dice, made.graph);
    simulation.at(dice.seconds(100), order);
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
