// Graphs, worlds and settings for the boot engine, drawn from a seed.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "mcp/boot/engine.h"
#include "mcp/boot/simulation.h"

namespace mcp::boot::testing {

using std::chrono::milliseconds;

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

inline Case random_case(Dice& dice) {
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

// What an operator may do to a node while it boots.
inline Event random_order(Dice& dice, const Graph& graph) {
  constexpr std::array kKinds = {Event::Kind::kRetry, Event::Kind::kSkip, Event::Kind::kProceed};
  Event event;
  event.kind = kKinds[static_cast<std::size_t>(dice.below(kKinds.size()))];
  event.node = static_cast<std::size_t>(dice.below(static_cast<int>(graph.nodes.size())));
  return event;
}

}  // namespace mcp::boot::testing
